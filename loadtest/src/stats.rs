//! The arithmetic of a report: quantiles, medians, ratios.

/// The nearest-rank quantile of `sorted`, which must be in ascending order. None when it is empty.
pub(crate) fn quantile(sorted: &[u32], permille: usize) -> Option<u32> {
    let rank = (sorted.len() * permille.min(1000)).div_ceil(1000);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The middle value, or the mean of the two in the middle. None when there are none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return sorted.get(middle).copied();
    }
    Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, *sorted.get(middle)?))
}

/// `of` divided by `by`. None where the divisor is too near to nothing for it to say anything.
pub(crate) fn ratio(of: f64, by: f64) -> Option<f64> {
    (by > 0.1).then(|| of / by)
}

/// `total` shared by `count`; nothing shared by nobody is nothing.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn share(total: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { total / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_at_the_nearest_rank() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(quantile(&hundred, 500), Some(50));
        assert_eq!(quantile(&hundred, 990), Some(99));
        assert_eq!(quantile(&hundred, 1000), Some(100));
        assert_eq!(quantile(&[7], 10), Some(7));
    }

    #[test]
    fn there_is_no_quantile_of_nothing() {
        assert_eq!(quantile(&[], 500), None);
    }

    #[test]
    fn a_median_does_not_depend_on_order_or_parity() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_ratio_to_almost_nothing_is_left_out() {
        assert_eq!(ratio(3.0, 2.0), Some(1.5));
        assert_eq!(ratio(3.0, 0.0), None);
    }

    #[test]
    fn sharing_among_nobody_costs_nothing() {
        assert!(share(12.0, 0).abs() < f64::EPSILON);
        assert!((share(12.0, 4) - 3.0).abs() < f64::EPSILON);
    }
}
