//! Plays a table against a node, row by row, and sees to it that a good client is served after each.

use std::collections::BTreeMap;

use crate::{
    guest::{self, Guest},
    mint::{Mint, Token, patched},
    node::{Keys, Node},
    record, roads,
    row::{Row, Step, Values, bytes, fits, rows, shown},
    wire::{Heard, Wire},
};

/// Text frames, bytes, and the question whether somebody is still there.
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;

/// Plays every row, and fails with all that went wrong.
pub(crate) async fn table(file: &str, text: &'static str, node: Node) {
    let mut guest = Guest::sit(&node).await.unwrap();
    let mut faults = Vec::new();
    let mut shown = Vec::new();
    for row in rows(text) {
        let mut play = Play::new(&node);
        let played = play.row(&row).await;
        for secret in &play.secrets {
            record::secret("hostile", &String::from_utf8_lossy(secret));
        }
        shown.append(&mut play.secrets);
        drop(play);
        if let Err((line, what)) = played {
            faults.push(format!("{file}:{line}: {}\n    {what}", row.sentence));
        }
        if let Err(what) = guest.is_served().await {
            panic!("{file}:{}: behind {:?} a good client fails: {what}", row.line, row.sentence);
        }
    }
    assert!(faults.is_empty(), "{} of {file}:\n{}", faults.len(), faults.join("\n"));
    guest::all_are_served(&node).await.unwrap();
    node.has_kept_quiet(&shown);
}

/// One row under way.
struct Play<'a> {
    node: &'a Node,
    mint: &'a Mint,
    token: Token,
    values: Values,
    wires: BTreeMap<&'static str, Wire>,
    current: &'static str,
    /// The path and query of the session under way.
    session: String,
    /// What no log line may hold.
    secrets: Vec<Vec<u8>>,
}

impl<'a> Play<'a> {
    fn new(node: &'a Node) -> Self {
        let (mint, token) = (&node.mint, fresh(node.keys));
        let mut play = Self {
            node,
            mint,
            token,
            values: Values::new(),
            wires: BTreeMap::new(),
            current: "a",
            session: String::new(),
            secrets: Vec::new(),
        };
        play.sign("token");
        play.sign("good");
        play
    }

    async fn row(&mut self, row: &Row) -> Result<(), (usize, String)> {
        for step in &row.steps {
            let done = self.step(*step).await;
            done.map_err(|what| (step.line, format!("{}: {what}", step.verb)))?;
        }
        Ok(())
    }

    async fn step(&mut self, Step { verb, rest, .. }: Step) -> Result<(), String> {
        let text = bytes(rest, &self.values)?;
        match verb {
            "claims" | "header" | "claims=" | "header=" | "signed" | "token" => {
                self.coin(verb, rest, text)
            }
            "refused" => {
                let token = self.values["token"].clone();
                roads::refused(self.node, &token, rest).await
            }
            "seated" => roads::seated(self.node, &self.values["token"].clone()).await,
            "on" => {
                self.current = rest;
                Ok(())
            }
            "ws" => self.upgrade(&text).await,
            "polling" => self.open(&text).await,
            "poll" => self.ask("GET", "", b"").await,
            "post" => self.ask("POST", "content-type: text/plain;charset=UTF-8\r\n", &text).await,
            "post-bytes" => {
                self.ask("POST", "content-type: application/octet-stream\r\n", &text).await
            }
            "together" => self.together(rest).await,
            "answer" | "answer-head" => self.answer(verb, &text).await,
            _ => self.talk(verb, &text).await,
        }
    }

    /// The steps on an open connection.
    async fn talk(&mut self, verb: &str, text: &[u8]) -> Result<(), String> {
        let wire = self.wire().await;
        match verb {
            "|" | "send" => {
                wire.send(text).await;
                if verb == "|" {
                    wire.send(b"\r\n").await;
                }
                Ok(())
            }
            "say" | "data" => {
                wire.say(if verb == "say" { TEXT } else { BINARY }, text).await;
                Ok(())
            }
            "hear" => match wire.hear().await? {
                Heard::Text(heard) if fits(text, &heard) => Ok(()),
                Heard::Text(heard) => Err(shown(&heard)),
                other => Err(format!("{other:?}")),
            },
            "close" => {
                let code: u16 = String::from_utf8_lossy(text).parse().map_err(|_| "no code")?;
                match wire.hear().await? {
                    Heard::Close(heard) if heard == code => wire.ends().await,
                    other => Err(format!("{other:?}")),
                }
            }
            "cut" => wire.ends().await,
            "away" => match wire.answer().await {
                Ok(answer) if answer.status.to_string().as_bytes() != text => {
                    Err(answer.status.to_string())
                }
                _ => wire.ends().await,
            },
            "end" => {
                self.wires.remove(self.current);
                Ok(())
            }
            "quiet" => {
                wire.say(PING, b"").await;
                match wire.hear().await? {
                    Heard::Pong => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            }
            other => Err(format!("there is no verb {other:?}")),
        }
    }

    fn coin(&mut self, verb: &str, rest: &'static str, text: Vec<u8>) -> Result<(), String> {
        let raw = || String::from_utf8(text.clone()).map_err(|error| error.to_string());
        match verb {
            "claims" => self.token.claims = patched(&self.token.claims, &text)?,
            "header" => self.token.header = patched(&self.token.header, &text)?,
            "claims=" => self.token.claims = raw()?,
            "header=" => self.token.header = raw()?,
            "signed" => self.token.by = rest.strip_prefix("by ").unwrap_or(rest),
            _ => {
                self.secrets.push(text.clone());
                self.values.insert("token", text);
                return Ok(());
            }
        }
        self.sign("token");
        Ok(())
    }

    fn sign(&mut self, name: &'static str) {
        let token = self.mint.sign(&self.token).into_bytes();
        self.secrets.push(token.clone());
        self.values.insert(name, token);
    }

    /// The connection that is spoken on, opened where it is not.
    async fn wire(&mut self) -> &mut Wire {
        if !self.wires.contains_key(self.current) {
            self.wires.insert(self.current, Wire::open(&self.node.public).await);
        }
        self.wires.get_mut(self.current).unwrap()
    }

    /// A WebSocket as it should be, past the open packet if there is one.
    async fn upgrade(&mut self, target: &[u8]) -> Result<(), String> {
        let target = String::from_utf8_lossy(target).into_owned();
        let wire = self.wire().await;
        guest::upgrade(wire, &target).await?;
        if target.contains("EIO=") && !target.contains("sid=") {
            let Heard::Text(open) = wire.hear().await? else { return Err("no open packet".into()) };
            self.know_session(&target, &open)?;
        }
        Ok(())
    }

    async fn open(&mut self, query: &[u8]) -> Result<(), String> {
        let target = format!("/socket.io/?transport=polling&{}", String::from_utf8_lossy(query));
        let mut wire = Wire::open(&self.node.public).await;
        wire.send(guest::request("GET", &target, "").as_bytes()).await;
        let answer = wire.answer().await?;
        self.know_session(&target, &answer.body)
    }

    fn know_session(&mut self, target: &str, open: &[u8]) -> Result<(), String> {
        let open = String::from_utf8_lossy(open);
        let sid = open.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let sid = sid.ok_or_else(|| format!("no session in {open:?}"))?;
        self.session = format!("{target}&sid={sid}");
        self.secrets.push(sid.into());
        self.values.insert("sid", sid.into());
        Ok(())
    }

    /// A request of the session under way, on a connection of its own.
    async fn ask(&mut self, method: &str, head: &str, body: &[u8]) -> Result<(), String> {
        let length = if method == "POST" {
            format!("content-length: {}\r\n", body.len())
        } else {
            String::new()
        };
        let request = guest::request(method, &self.session, &format!("{head}{length}"));
        let mut wire = Wire::open(&self.node.public).await;
        wire.send(&[request.as_bytes(), body].concat()).await;
        self.wires.insert(self.current, wire);
        Ok(())
    }

    async fn answer(&mut self, verb: &str, expected: &[u8]) -> Result<(), String> {
        let answer = self.wire().await.answer().await?;
        if verb == "answer-head" {
            let head = answer.head.as_bytes();
            return if fits(expected, head) { Ok(()) } else { Err(shown(head)) };
        }
        let heard = [answer.status.to_string().as_bytes(), b" ", &answer.body].concat();
        if fits(expected, heard.trim_ascii_end()) { Ok(()) } else { Err(shown(&heard)) }
    }

    /// The answers of all connections, in any order; `expected` has ` & ` between them.
    async fn together(&mut self, expected: &'static str) -> Result<(), String> {
        let mut heard = Vec::new();
        for wire in self.wires.values_mut() {
            let answer = wire.answer().await?;
            let body = String::from_utf8_lossy(&answer.body);
            heard.push(format!("{} {body}", answer.status));
        }
        heard.sort();
        let heard = heard.join(" & ");
        if fits(expected.as_bytes(), heard.as_bytes()) { Ok(()) } else { Err(heard) }
    }
}

/// A token that holds, before anything of it is changed.
fn fresh(keys: Keys) -> Token {
    let claims = r#"{"sub":"5","rooms":["456","chat:*"],"iss":"https://id.test","aud":"carillon"}"#;
    let until = bytes(r#"{"exp":${now+600}}"#, &Values::new()).unwrap();
    let (header, by) = match keys {
        Keys::One => (r#"{"alg":"RS256","typ":"JWT"}"#, "the key"),
        Keys::Set => (r#"{"alg":"ES256","typ":"JWT","kid":"curve"}"#, "the curve"),
    };
    Token { header: header.into(), claims: patched(claims, &until).unwrap(), by }
}

/// A token of a user who does nothing wrong.
pub(crate) fn good_token(node: &Node, user: &str) -> String {
    let mut token = fresh(node.keys);
    let patch = format!(r#"{{"sub":"{user}"}}"#);
    token.claims = patched(&token.claims, patch.as_bytes()).unwrap();
    node.mint.sign(&token)
}
