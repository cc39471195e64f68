//! The report as a picture: for each figure a bar for each server, as long as its median, with a line over what
//! the rounds came to.

use svg::{
    Document,
    node::element::{Line as Stroke, Rectangle, Style, Text},
};

use crate::report::{Line, Value, table::number};

/// In pixels of a picture that is not scaled.
const WIDTH: f64 = 860.0;
const BARS_LEFT: f64 = 150.0;
const BARS_WIDTH: f64 = 560.0;
const ROW: f64 = 20.0;
const BAR: f64 = 14.0;
/// Above each figure's bars, for its name.
const HEAD: f64 = 34.0;
const TOP: f64 = 40.0;

/// As many as there are kinds of server; more begin anew.
const COLOURS: usize = 4;
const LOOK: &str = "text{font:13px system-ui,sans-serif;fill:#1c2330}.name{font-weight:600}\
    .bar0{fill:#2f6fde}.bar1{fill:#e08a2e}.bar2{fill:#4c9f70}.bar3{fill:#8a63c9}line{stroke:#1c2330;stroke-width:1.5}\
    .ground{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#e6e9ef}line{stroke:#e6e9ef}.ground{fill:#151a22}}";

/// `title` stands above all.
pub(super) fn plot(title: &str, lines: &[Line<'_>]) -> Document {
    let heights = lines.iter().map(|line| HEAD + ROW * len(&line.values));
    let height = TOP + heights.sum::<f64>() + ROW;
    let ground = Rectangle::new().set("class", "ground").set("width", WIDTH).set("height", height);
    let mut picture = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .add(Style::new(LOOK))
        .add(ground)
        .add(text(title, 16.0, 26.0).set("class", "name"));
    let mut y = TOP;
    for line in lines {
        let unit = if line.unit.is_empty() { String::new() } else { format!(", {}", line.unit) };
        let name = format!("{}{unit}", line.name);
        picture = picture.add(text(name, 16.0, y + HEAD - 10.0).set("class", "name"));
        y += HEAD;
        let most = line.values.iter().flat_map(|value| &value.rounds).copied().fold(0.0, f64::max);
        let first = line.values.first().map_or("", |value| value.target);
        for (index, value) in line.values.iter().enumerate() {
            let ratio = value.ratio_of_first.map(|ratio| format!(" ({first}: {ratio:.2} of it)"));
            let bar =
                Bar { value, ratio: ratio.unwrap_or_default(), most, colour: index % COLOURS };
            picture = bar.draw(picture, y);
            y += ROW;
        }
    }
    picture
}

/// One server's figure.
struct Bar<'a> {
    value: &'a Value<'a>,
    ratio: String,
    /// The end of the scale.
    most: f64,
    colour: usize,
}

impl Bar<'_> {
    fn draw(&self, picture: Document, y: f64) -> Document {
        let (value, baseline, middle) = (self.value, y + BAR - 3.0, y + BAR / 2.0);
        let picture = picture.add(text(value.target, 30.0, baseline));
        let Some(median) = value.median else {
            return picture.add(text("-", BARS_LEFT, baseline));
        };
        let least = value.rounds.iter().copied().fold(median, f64::min);
        let top = value.rounds.iter().copied().fold(median, f64::max);
        let block = Rectangle::new()
            .set("class", format!("bar{}", self.colour))
            .set("x", BARS_LEFT)
            .set("y", y)
            .set("width", self.long(median))
            .set("height", BAR)
            .set("rx", 2);
        let rounds = Stroke::new()
            .set("x1", BARS_LEFT + self.long(least))
            .set("x2", BARS_LEFT + self.long(top))
            .set("y1", middle)
            .set("y2", middle);
        let said = format!("{}{}", number(median), self.ratio);
        picture.add(block).add(rounds).add(text(said, BARS_LEFT + self.long(top) + 8.0, baseline))
    }

    fn long(&self, figure: f64) -> f64 {
        if self.most > 0.0 { figure / self.most * BARS_WIDTH } else { 0.0 }
    }
}

fn text(content: impl Into<String>, x: f64, y: f64) -> Text {
    Text::new(content).set("x", x).set("y", y)
}

#[expect(clippy::cast_precision_loss, reason = "a report has a few servers")]
fn len(values: &[Value<'_>]) -> f64 {
    values.len() as f64
}
