//! What is served is what `dbus/` says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tests::daemon::Config;
use tests::pcsc::Pcsc;
use tests::scratch::Scratch;
use tests::tree;
use zbus::OwnedObjectPath;
use zbus::fdo::IntrospectableProxy;

use crate::bench::{Agent, Bench, Caller, ORIGIN, USER, challenge, vardict};

/// Everything that callers see of an interface, one line each.
type Interfaces = BTreeMap<String, BTreeSet<String>>;

/// Reads introspection XML: `interface` → lines such as `method SignLogin in s origin`. Documentation, node names
/// and the bus's own interfaces are left out.
fn interfaces(xml: &str) -> Interfaces {
    let mut found = Interfaces::new();
    let (mut interface, mut member) = (String::new(), String::new());
    let without_comments: String = xml.split("<!--").map(|p| p.split_once("-->").map_or(p, |(_, rest)| rest)).collect();
    for tag in without_comments.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let attribute = |name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            rest.split('"').next().map(str::to_owned)
        };
        let name = attribute("name").unwrap_or_default();
        let line = match tag.split_whitespace().next().unwrap_or_default() {
            "interface" => {
                interface = name;
                member.clear();
                continue;
            }
            kind @ ("method" | "signal") => {
                member = format!("{kind} {name}");
                member.clone()
            }
            "property" => {
                member = format!("property {name}");
                format!(
                    "{member} {} {}",
                    attribute("type").unwrap_or_default(),
                    attribute("access").unwrap_or_default()
                )
            }
            "arg" => {
                let direction = attribute("direction").unwrap_or_else(|| "out".to_owned());
                format!("{member} {direction} {} {name}", attribute("type").unwrap_or_default())
            }
            "annotation" => format!("{member} {name} {}", attribute("value").unwrap_or_default()),
            _ => continue,
        };
        if interface.starts_with("org.jitsuin.") {
            found.entry(interface.clone()).or_default().insert(line);
        }
    }
    found
}

async fn introspect(caller: &Caller, path: &str) -> Interfaces {
    let proxy = IntrospectableProxy::builder(&caller.connection).destination("org.jitsuin.Jitsuin1").path(path);
    interfaces(&proxy.build().await.unwrap().introspect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_serves_the_xml() {
    // An enrolment is there from its start, whether or not the authority is.
    let readers = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&readers, "yubikey:serial=5020304");
    let config = Config::new().authority("bank", "https://127.0.0.1:1", &"0".repeat(64)).cards(pcsc.socket());
    let bench = Bench::with(config, |ca, scratch, hsm, token| ca.key(scratch, hsm, token, "01", USER, 2));
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold"])]);
    caller.register(&agent).await.unwrap();
    while !introspect(&caller, "/org/jitsuin/Jitsuin1").await.contains_key("org.jitsuin.Jitsuin1.OtpToken") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let token = format!("pkcs11:{}", bench.token.serial);
    let options = vardict([
        ("contract-id", "00009876543".into()),
        ("user-id", "riyousya".into()),
        ("token", token.as_str().into()),
    ]);
    let enrolment: OwnedObjectPath = caller.manager("StartEnrolment", &("bank", options)).await.unwrap();
    let request = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    let mut served = Interfaces::new();
    for path in ["/org/jitsuin/Jitsuin1", &request, enrolment.as_str()] {
        served.extend(introspect(&caller, path).await);
    }
    let xml = std::fs::read_to_string(tree::root().join("dbus/org.jitsuin.Jitsuin1.xml")).unwrap();
    let mut written = interfaces(&xml);
    assert!(written.remove("org.jitsuin.Jitsuin1.Agent").is_some(), "the agent's side, which the daemon calls");
    for (name, lines) in &written {
        assert_eq!(served.get(name), Some(lines), "{name}");
    }
    assert_eq!(served.len(), written.len(), "{:?}", served.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_serves_the_description() {
    let bench = Bench::new();
    let described = std::fs::read_to_string(tree::root().join("dbus/org.jitsuin.Jitsuin1.varlink")).unwrap();
    let mut stream = std::os::unix::net::UnixStream::connect(&bench.daemon.socket).unwrap();
    let call = json!({ "method": "org.varlink.service.GetInterfaceDescription",
        "parameters": { "interface": "org.jitsuin.Jitsuin1" } });
    std::io::Write::write_all(&mut stream, format!("{call}\0").as_bytes()).unwrap();
    let mut answer = Vec::new();
    std::io::BufRead::read_until(&mut std::io::BufReader::new(stream), 0, &mut answer).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(answer.strip_suffix(&[0]).unwrap()).unwrap();
    assert_eq!(answer["parameters"]["description"], described);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_property_is_personal() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let reply = caller
        .connection
        .call_method(
            Some("org.jitsuin.Jitsuin1"),
            "/org/jitsuin/Jitsuin1",
            Some("org.freedesktop.DBus.ObjectManager"),
            "GetManagedObjects",
            &(),
        )
        .await
        .unwrap();
    let objects: zbus::fdo::ManagedObjects = reply.body().deserialize().unwrap();
    let all = format!("{objects:?}");
    assert!(all.contains("org.jitsuin.Jitsuin1.Key"), "{all}");
    for personal in ["riyousya", "00009876543", bench.token.serial.as_str(), "\"card\""] {
        assert!(!all.contains(personal), "{personal} in {all}");
    }
}
