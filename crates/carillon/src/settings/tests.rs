//! What settings mean, which win, and how mistakes are told.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::settings::{
    ApiKey, Config, Flag, Mistake, Mistakes, Origin, Roles, Settings, Sources, chart,
    manual::markdown, table::TABLE,
};

fn mistakes(pairs: &[(&str, &str)]) -> Vec<Mistake> {
    let Err(Mistakes(mistakes)) = Settings::of(pairs.iter().copied()).into_config() else {
        return Vec::new();
    };
    mistakes
}

fn names(mistakes: &[Mistake]) -> Vec<&str> {
    mistakes.iter().map(|mistake| mistake.name.as_str()).collect()
}

fn config(pairs: &[(&str, &str)]) -> Config {
    Settings::of(pairs.iter().copied()).into_config().unwrap()
}

fn environment(pairs: &[(&str, &str)]) -> Sources {
    let environment: BTreeMap<_, _> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { environment, ..Sources::default() }
}

/// A settings file that is gone after the test.
struct File(PathBuf);

impl File {
    fn holding(name: &str, text: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("carillon-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn sources(&self) -> Sources {
        Sources { file: Some(self.0.clone()), ..Sources::default() }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[test]
fn no_settings_at_all_are_right_and_mean_the_contracts_defaults() {
    let config = config(&[]);
    assert_eq!(config.public.addr.to_string(), "127.0.0.1:8000");
    assert_eq!(config.internal.addr.to_string(), "127.0.0.1:8001");
    assert_eq!(config.public.path, "/socket.io/");
    assert_eq!(config.roles, Roles { gateway: true, ingest: true });
    assert_eq!(config.recovery.window, Duration::from_mins(2));
    assert_eq!(config.limits.stall, Duration::from_secs(15));
    let namespaces: Vec<_> =
        config.public.namespaces.iter().map(notice::Namespace::as_str).collect();
    assert_eq!(namespaces, ["/", "/notice"]);
}

#[test]
fn every_default_in_the_table_is_read_without_a_mistake() {
    let pairs: Vec<_> = TABLE.iter().map(|entry| (entry.name, entry.default)).collect();
    assert_eq!(mistakes(&pairs), []);
}

#[test]
fn the_file_gives_way_to_the_environment_and_that_to_flags() {
    let file = File::holding(
        "order",
        "[drain]\ngrace = \"1s\"\n[limits]\nstall = \"1s\"\nhandshake = \"1s\"\n",
    );
    let mut sources = file.sources();
    sources.environment =
        environment(&[("CARILLON_LIMITS__STALL", "2s"), ("CARILLON_LIMITS__HANDSHAKE", "2s")])
            .environment;
    let flag = |name: &str| name.to_owned();
    sources.flags.push(Flag {
        flag: flag("--set"),
        name: flag("limits.handshake"),
        value: flag("3s"),
    });
    let config = Settings::load(&sources).into_config().unwrap();
    let seconds =
        [config.drain.grace, config.limits.stall, config.limits.handshake].map(|it| it.as_secs());
    assert_eq!(seconds, [1, 2, 3]);
}

#[test]
fn the_environment_may_name_the_file() {
    let file = File::holding("named", "[drain]\ngrace = \"7s\"\n");
    let sources = environment(&[("CARILLON_CONFIG", file.0.to_str().unwrap())]);
    let config = Settings::load(&sources).into_config().unwrap();
    assert_eq!(config.drain.grace, Duration::from_secs(7));
}

#[test]
fn lists_and_maps_are_written_as_toml_or_with_commas() {
    for list in [r#"["/", "/notice", "/x"]"#, "/,/notice, /x"] {
        assert_eq!(config(&[("public.namespaces", list)]).public.namespaces.len(), 3);
    }
    for map in [r#"{ "200" = "file.queued" }"#, "200=file.queued"] {
        assert_eq!(mistakes(&[("ingest.status", map)]), []);
    }
    let file = File::holding("map", "[ingest.status]\n200 = \"file.queued\"\n");
    assert!(Settings::load(&file.sources()).into_config().is_ok());
}

#[test]
fn all_mistakes_are_told_at_once_with_where_they_came_from() {
    let file =
        File::holding("all", "[public]\naddr = \"localhost\"\nadr = 1\n[drain]\ngrace = 25\n");
    let mut sources = file.sources();
    sources.environment = environment(&[("CARILLON_PUBLIC_ADDR", "x")]).environment;
    let Err(Mistakes(mistakes)) = Settings::load(&sources).into_config() else {
        panic!("four mistakes were taken");
    };
    let mut told = names(&mistakes);
    told.sort_unstable();
    assert_eq!(told, ["drain.grace", "public.addr", "public.adr", "public_addr"]);
    let addr = mistakes.iter().find(|mistake| mistake.name == "public.addr").unwrap();
    assert_eq!(addr.origin, Origin::File { path: file.0.clone(), line: 2 });
    assert!(addr.value.contains("localhost") && addr.hint.contains("127.0.0.1:8000"), "{addr}");
}

#[test]
fn an_unknown_setting_is_refused_with_the_one_that_was_meant() {
    let told = mistakes(&[("public.adrr", "127.0.0.1:1")]);
    assert_eq!(told[0].hint, "did you mean public.addr?");
    let sources = environment(&[("CARILLON_PUBLIC_ADDR", "127.0.0.1:1")]);
    let Err(Mistakes(told)) = Settings::load(&sources).into_config() else { panic!("taken") };
    assert_eq!(told[0].hint, "did you mean CARILLON_PUBLIC__ADDR?");
}

#[test]
fn variables_that_kubernetes_adds_for_a_service_are_not_settings() {
    let sources = environment(&[
        ("CARILLON_PORT", "tcp://10.0.0.1:8000"),
        ("CARILLON_SERVICE_HOST", "10.0.0.1"),
        ("CARILLON_SERVICE_PORT_HTTP", "8000"),
        ("CARILLON_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("CARILLON_INTERNAL_PORT_8001_TCP", "tcp://10.0.0.1:8001"),
    ]);
    assert!(Settings::load(&sources).into_config().is_ok());
}

#[test]
fn a_collector_is_named_by_an_address_without_a_user() {
    for good in ["http://127.0.0.1:4318", "https://otel.example.com/v1/traces"] {
        assert_eq!(mistakes(&[("telemetry.otlp_endpoint", good)]), [], "{good}");
    }
    for bad in ["127.0.0.1:4318", "grpc://a:4317", "http://user:geheim@a:4318"] {
        let told = mistakes(&[("telemetry.otlp_endpoint", bad)]);
        assert_eq!(names(&told), ["telemetry.otlp_endpoint"], "{bad}");
        assert!(!told[0].to_string().contains("geheim"), "{}", told[0]);
    }
}

#[test]
fn a_redis_is_named_by_a_url_of_a_known_kind_and_shown_to_nobody() {
    for url in [
        "redis://10.0.0.1:6379",
        "rediss://u:p@cache",
        "redis-sentinel://a:1?node=b:1&sentinelServiceName=main",
    ] {
        assert_eq!(names(&mistakes(&[("redis.url", url)])), [""; 0], "{url}");
    }
    for url in ["10.0.0.1:6379", "http://cache", "redis://", "redis://cache:port"] {
        assert_eq!(names(&mistakes(&[("redis.url", url)])), ["redis.url"], "{url}");
    }
    let alone = mistakes(&[("redis.min_replicas_ack", "1")]);
    assert_eq!(names(&alone), ["redis.min_replicas_ack"]);
    assert_eq!(names(&mistakes(&[("roles", "ingest")])), ["roles"]);
    for prefix in ["", "a{b}", "a b"] {
        assert_eq!(names(&mistakes(&[("redis.prefix", prefix)])), ["redis.prefix"], "{prefix}");
    }
    let told = mistakes(&[("redis.url", "http://user:geheim@cache")]);
    assert!(!told[0].to_string().contains("geheim"), "{}", told[0]);
}

#[test]
fn an_open_public_address_needs_two_admissions() {
    let open = ("public.addr", "0.0.0.0:8000");
    let (anyone, plain) = (("auth.allow_anonymous", "true"), ("public.plaintext", "true"));
    assert_eq!(mistakes(&[open]).len(), 2);
    assert_eq!(mistakes(&[open, anyone]).len(), 1);
    assert_eq!(mistakes(&[open, plain]).len(), 1);
    assert_eq!(mistakes(&[open, anyone, plain]), []);
    assert_eq!(mistakes(&[("public.addr", "[::1]:8000")]), []);
}

#[test]
fn an_open_internal_address_needs_keys() {
    let open = ("internal.addr", "0.0.0.0:8001");
    assert_eq!(names(&mistakes(&[open])), ["internal.addr"]);
    assert_eq!(mistakes(&[open, ("internal.api_keys", "0123456789abcdef")]), []);
    let file = File::holding("keys", "0123456789abcdef\n");
    assert_eq!(mistakes(&[open, ("internal.api_key_files", file.0.to_str().unwrap())]), []);
}

#[test]
fn a_file_of_keys_that_does_not_do_is_told_by_its_line_and_without_a_word_of_it() {
    for (name, text, told) in [
        ("keys-none", "# nothing\n\n", "holds no key"),
        ("keys-short", "# first\ngeheim\n", "line 2"),
        ("keys-typo", "shop:geheim:0123456789abcdef", "scopes other than"),
        ("keys-long", &"geheim ".repeat(10_000), "longer than 65536 bytes"),
        ("keys-many", &"0123456789abcdef\n".repeat(257), "more than 256"),
    ] {
        let file = File::holding(name, text);
        let mistakes = mistakes(&[("internal.api_key_files", file.0.to_str().unwrap())]);
        assert_eq!(names(&mistakes), ["internal.api_key_files"], "{name}");
        let said = mistakes[0].to_string();
        assert!(said.contains(told) && !said.contains("geheim"), "{name}: {said}");
    }
    let absent = mistakes(&[("internal.api_key_files", "/no/such/keys")]);
    assert!(absent[0].to_string().contains("/no/such/keys: No such file"), "{}", absent[0]);
}

#[test]
fn a_recovery_window_that_a_cut_could_outlast_is_refused() {
    let told = mistakes(&[("recovery.window", "74s")]);
    assert_eq!(told[0].hint, "write 1m 15s or more");
    assert_eq!(mistakes(&[("recovery.window", "75s")]), []);
    let quick = [
        ("recovery.window", "31s"),
        ("public.ping_interval", "300ms"),
        ("public.ping_timeout", "200ms"),
    ];
    assert_eq!(mistakes(&quick), []);
    assert_eq!(mistakes(&[("recovery.window", "1s"), ("public.conformance", "engine")]), []);
}

#[test]
fn conformance_is_refused_beyond_loopback() {
    let told = mistakes(&[
        ("public.conformance", "socket"),
        ("public.addr", "0.0.0.0:8000"),
        ("auth.allow_anonymous", "true"),
        ("public.plaintext", "true"),
    ]);
    assert_eq!(names(&told), ["public.conformance"]);
}

#[test]
fn a_secret_is_shown_neither_by_config_nor_by_a_mistake() {
    let secret = "s3cret";
    let told =
        mistakes(&[("internal.api_keys", secret), ("auth.key", secret), ("auth.keys", secret)]);
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|mistake| !mistake.to_string().contains(secret)), "{told:?}");

    let key = "0123456789abcdef";
    let settings = Settings::of([("internal.api_keys", key)]);
    let mut shown = Vec::new();
    settings.show(&mut shown).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    assert!(
        shown.contains("api_keys = [\"********\"]  # flag --set") && !shown.contains(key),
        "{shown}"
    );
    let keys: Vec<ApiKey> = settings.into_config().unwrap().internal.api_keys;
    assert!(!format!("{keys:?}").contains(key));
}

#[test]
fn what_config_shows_is_a_settings_file_that_means_the_same() {
    let mut shown = Vec::new();
    Settings::of([("drain.grace", "3s"), ("ingest.status", "200=file.queued")])
        .show(&mut shown)
        .unwrap();
    let file = File::holding("shown", &String::from_utf8(shown).unwrap());
    let config = Settings::load(&file.sources()).into_config().unwrap();
    assert_eq!(config.drain.grace, Duration::from_secs(3));
}

#[test]
fn sizes_and_counts_are_read_with_their_units() {
    let config = config(&[("limits.payload_bytes", "256KiB"), ("limits.queue_bytes", "4096")]);
    assert_eq!((config.limits.payload_bytes, config.limits.queue_bytes), (262_144, 4096));
    for bad in
        ["", "0", "-1", "1.5MB", "5 apples", "99999999999999999999", "18446744073709551615KiB"]
    {
        assert_eq!(
            names(&mistakes(&[("limits.queue_bytes", bad)])),
            ["limits.queue_bytes"],
            "{bad:?}"
        );
    }
}

#[test]
fn values_that_mean_nothing_are_refused_each_under_its_name() {
    for (name, bad) in [
        ("roles", "gateway,cook"),
        ("roles", "[]"),
        ("public.addr", "127.0.0.1"),
        ("public.path", "socket.io"),
        ("public.plaintext", "yes"),
        ("public.serve_client", "/no/such/file.js"),
        ("public.namespaces", "notice"),
        ("public.namespaces", ""),
        ("public.ping_interval", "0s"),
        ("public.conformance", "on"),
        ("internal.addr", "127.0.0.1:8000"),
        ("internal.api_keys", "short"),
        ("ingest.status", "{ broken"),
        ("ingest.status", "x=file.queued"),
        ("uplink.lifecycle", "yes"),
        ("uplink.relay", "*chat"),
        ("auth.mode", "magic"),
        ("auth.allow_anonymous", "1"),
        ("limits.sockets", "many"),
        ("telemetry.log", "a=b=c"),
        ("telemetry.log_format", "xml"),
    ] {
        assert_eq!(names(&mistakes(&[(name, bad)])), [name], "{bad:?}");
    }
}

#[test]
fn what_clients_say_needs_a_redis_and_a_stream_of_its_own() {
    let redis = ("redis.url", "redis://127.0.0.1:6379");
    let stream = ("uplink.stream", "said");
    let told = config(&[redis, stream, ("uplink.lifecycle", "true")]).uplink;
    assert_eq!((told.stream.as_deref(), told.lifecycle), (Some("said"), true));
    let alone = mistakes(&[stream]);
    assert_eq!(names(&alone), ["uplink.stream"]);
    assert!(alone[0].to_string().contains("redis.url"), "{}", alone[0]);
    assert_eq!(names(&mistakes(&[("uplink.lifecycle", "true")])), ["uplink.lifecycle"]);
    for taken in ["tasks", "dead", "tasks:list", "{a}", "a b"] {
        assert_eq!(
            names(&mistakes(&[redis, ("uplink.stream", taken)])),
            ["uplink.stream"],
            "{taken}"
        );
    }
}

#[test]
fn a_file_that_is_none_is_told_with_its_name() {
    for (name, text) in [("broken", "[public\n"), ("section", "public = 3\n")] {
        let file = File::holding(name, text);
        let Err(Mistakes(told)) = Settings::load(&file.sources()).into_config() else {
            panic!("{text:?} was taken");
        };
        assert!(told[0].to_string().contains(file.0.to_str().unwrap()), "{}", told[0]);
    }
    let sources = Sources { file: Some(PathBuf::from("/no/such.toml")), ..Sources::default() };
    let Err(Mistakes(told)) = Settings::load(&sources).into_config() else { panic!("taken") };
    assert_eq!(told[0].value, "/no/such.toml");
}

#[test]
fn the_documentation_holds_every_setting_as_the_table_has_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = markdown();
    assert!(text.contains(&table), "docs/configuration.md must hold this table:\n{table}");
}

#[test]
fn the_chart_takes_every_setting_that_is_not_its_own_affair() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../helm/carillon/values.schema.json");
    let schema = std::fs::read_to_string(path).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let (there, wanted) = (&schema["properties"]["config"], chart::schema());
    let (has, wants) = (chart::leaves(there), chart::leaves(&wanted));
    let missing: Vec<_> = wants.iter().filter(|leaf| !has.contains(*leaf)).collect();
    let stray: Vec<_> = has.iter().filter(|leaf| !wants.contains(*leaf)).collect();
    let what = "properties.config of helm/carillon/values.schema.json";
    assert!(there == &wanted, "{what}\nlacks {missing:#?}\nand has too much: {stray:#?}");
}

#[test]
fn the_password_of_redis_may_be_in_a_file() {
    let file = File::holding("redis-password", "p@ss/word\n");
    let path = file.0.to_str().unwrap();
    for (url, whole) in [
        ("redis://redis:6379/1", "redis://:p%40ss%2Fword@redis:6379/1"),
        ("rediss-cluster://me@a:1?node=b:1", "rediss-cluster://me:p%40ss%2Fword@a:1?node=b:1"),
    ] {
        let config = config(&[("redis.url", url), ("redis.password_file", path)]);
        assert_eq!(config.redis.unwrap().url, whole);
    }
    let twice = mistakes(&[("redis.url", "redis://u:p@redis"), ("redis.password_file", path)]);
    assert_eq!(names(&twice), ["redis.url"]);
    assert!(!twice[0].to_string().contains("p@redis"), "{}", twice[0]);
}
