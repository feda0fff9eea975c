use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use openssl::base64;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};

use super::*;
use crate::cluster::Cluster;
use crate::cluster::details::ObjectName;
use crate::remote::scripted::Reply;
use crate::remote::{Relay, RelayTarget, Remote as _, RemoteError, Scripted};

const NODES: &str = include_str!("../../../tests/fixtures/real/nodes-ready.json");
const PODS: &str = include_str!("../../../tests/fixtures/real/pods-zoo.json");

/// An authority, and a certificate and a key of it, all PEM.
struct Signed {
    authority: String,
    certificate: String,
    key: String,
}

fn signed() -> Signed {
    let authority_key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let name = &mut parameters.distinguished_name;
    name.push(rcgen::DnType::CommonName, "k3s-server-ca");
    let authority = parameters.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(parameters, authority_key);
    let own = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    Signed {
        authority: authority.pem(),
        certificate: own.signed_by(&key, &issuer).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// A cluster: what its servers show, and what its administrator does.
struct MadeUpCluster {
    servers: Signed,
    administrator: Signed,
}

impl MadeUpCluster {
    fn new() -> Self {
        Self {
            servers: signed(),
            administrator: signed(),
        }
    }

    fn access(&self) -> Access {
        Access::of(&self.kubeconfig()).expect("access")
    }

    /// What counts of K3s's own.
    fn kubeconfig(&self) -> String {
        let encoded = |pem: &str| base64::encode_block(pem.as_bytes());
        format!(
            "certificate-authority-data: {}\nclient-certificate-data: {}\nclient-key-data: {}\n",
            encoded(&self.servers.authority),
            encoded(&self.administrator.certificate),
            encoded(&self.administrator.key)
        )
    }

    /// A server for one connection. As Kubernetes does, it asks for a certificate of the client and
    /// takes any, but answers 401 to those that it does not know. To the others it answers
    /// what the closure says of their paths, and hangs up after so many answers.
    fn serve(
        &self,
        answers: usize,
        answer: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> TcpStream {
        let mut acceptor = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server()).unwrap();
        let Signed {
            certificate, key, ..
        } = &self.servers;
        let key = PKey::private_key_from_pem(key.as_bytes()).unwrap();
        acceptor.set_private_key(&key).unwrap();
        let certificate = X509::from_pem(certificate.as_bytes()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        let authority = X509::from_pem(self.administrator.authority.as_bytes()).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let Ok(mut stream) = acceptor.accept(listener.accept().unwrap().0) else {
                return; // the client does not trust us
            };
            let shown = stream.ssl().peer_certificate();
            let public = authority.public_key().unwrap();
            let is_known = shown.is_some_and(|shown| shown.verify(&public).unwrap());
            for _ in 0..answers {
                let Some(path) = request(&mut stream) else {
                    break;
                };
                let said = if is_known { answer(&path) } else { refusal() };
                if stream.write_all(&said).is_err() {
                    break;
                }
            }
            let _ = stream.get_ref().shutdown(Shutdown::Both);
        });
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    fn ask(&self, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Api<TcpStream> {
        let stream = self.serve(usize::MAX, answer);
        Api::connect_as(stream, HOST, &self.access()).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A kubeconfig of some cluster.
pub(crate) fn kubeconfig() -> String {
    MadeUpCluster::new().kubeconfig()
}

/// A connection to a server that ends it after so many answers, and the certificate of its authority.
pub(crate) fn answering(answers: usize) -> (TcpStream, String) {
    let made = MadeUpCluster::new();
    let stream = made.serve(answers, |_| counted(200, "pong"));
    (stream, made.servers.authority)
}

/// A host that is a server with these nodes and pods, as kubectl prints them. It reaches nothing else.
pub(crate) fn server(host: Scripted, nodes: &str, pods: &str) -> Scripted {
    let name = host.host().to_owned();
    let made = MadeUpCluster::new();
    let lists = [list("NodeList", nodes), list("PodList", pods)];
    let kubeconfig = Reply::exit(0).out(&made.kubeconfig());
    host.on("/etc/rancher/k3s/k3s.yaml", kubeconfig)
        .relays(move |to| {
            if !matches!(to, RelayTarget::To(to) if to.socket().is_some_and(|at| at.ip().is_loopback())) {
                return Err(RemoteError::Unreachable {
                    host: name.clone(),
                    to: to.to_string(),
                    why: "connection refused".into(),
                });
            }
            let [nodes, pods] = lists.clone();
            let stream = made.serve(usize::MAX, move |path| match path.split('?').next() {
                Some("/readyz") => counted(200, "ok"),
                Some("/api/v1/nodes") => chunked(&nodes),
                _ => chunked(&pods),
            });
            Ok(Box::new(stream) as Box<dyn Relay>)
        })
}

/// The same with a K3s that hangs up on every question.
pub(crate) fn silent_server(host: Scripted) -> Scripted {
    let made = MadeUpCluster::new();
    let kubeconfig = Reply::exit(0).out(&made.kubeconfig());
    host.on("/etc/rancher/k3s/k3s.yaml", kubeconfig)
        .relays(move |_| Ok(Box::new(made.serve(0, |_| Vec::new())) as Box<dyn Relay>))
}

/// The same where another program answers on the port of the API.
pub(crate) fn impostor(host: Scripted) -> Scripted {
    let kubeconfig = Reply::exit(0).out(&kubeconfig());
    let other = MadeUpCluster::new();
    let relays = move |_: &RelayTarget| {
        let stream = other.serve(usize::MAX, |path| panic!("it was asked for {path}"));
        Ok(Box::new(stream) as Box<dyn Relay>)
    };
    host.on("/etc/rancher/k3s/k3s.yaml", kubeconfig)
        .relays(relays)
}

/// The path of the next request.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    let (path, _) = text.strip_prefix("GET ")?.split_once(" HTTP/1.1\r\n")?;
    Some(path.to_owned())
}

fn counted(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Words\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// As Go sends what it does not know the length of.
fn chunked(body: &str) -> Vec<u8> {
    let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.as_bytes().chunks(1000) {
        text.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        text.extend([piece, b"\r\n"].concat());
    }
    text.extend(b"0\r\n\r\n");
    text
}

/// Kubernetes's own words.
fn refusal() -> Vec<u8> {
    let status = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#;
    counted(401, status)
}

/// The API's list of what kubectl printed: there the list alone has a kind.
fn list(kind: &str, printed: &str) -> String {
    let mut list: serde_json::Value = serde_json::from_str(printed).unwrap();
    list["kind"] = kind.into();
    for item in list["items"].as_array_mut().unwrap() {
        let item = item.as_object_mut().unwrap();
        item.remove("kind");
        item.remove("apiVersion");
    }
    list.to_string()
}

#[test]
fn it_lists_what_kubectl_prints() {
    let mut api = MadeUpCluster::new().ask(|path| match path {
        "/readyz" => counted(200, "ok"),
        "/api/v1/nodes?limit=500" => chunked(&list("NodeList", NODES)),
        "/api/v1/pods?limit=500" => chunked(&list("PodList", PODS)),
        other => panic!("{other}"),
    });
    assert_eq!(api.unready(), Ok(None));
    let (Ok(nodes), Ok(pods)) = (api.nodes(), api.pods()) else {
        panic!("no answer");
    };
    let printed = crate::cluster::tests::parse(&format!("{NODES}{PODS}"));
    assert_eq!(Cluster::of(&nodes, &pods), printed);
    let networks = nodes.pod_networks();
    assert_eq!(networks.len(), 3);
    assert_eq!(networks["k3s-s1"], "198.18.0.0/24");
    let names = ["k3s-s1", "k3s-ag"].map(str::to_owned);
    assert_eq!(nodes.missing(&names), None);
    let other = ["k3s-s1", "elsewhere"].map(str::to_owned);
    let missing = nodes.missing(&other).unwrap();
    assert_eq!(missing, "not Ready: elsewhere is not there yet");
}

#[test]
fn a_server_says_which_one_it_is() {
    let asked = |body: &str| {
        let body = body.to_owned();
        let mut api = MadeUpCluster::new().ask(move |path| match path {
            "/api" => counted(200, &body),
            other => panic!("{other}"),
        });
        api.advertised()
    };
    let told = |address: &str| {
        let server = serde_json::json!({ "clientCIDR": "0.0.0.0/0", "serverAddress": address });
        let versions = serde_json::json!({
            "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [server]
        });
        asked(&versions.to_string())
    };
    assert_eq!(told("10.0.0.12:6444"), Ok("10.0.0.12:6444".into()));
    assert_eq!(
        told("[2001:db8::12]:6444"),
        Ok("[2001:db8::12]:6444".into())
    );
    for hostile in ["", "a b", "\u{1b}[2J", &"1".repeat(400)] {
        assert!(told(hostile).is_err(), "{hostile:?}");
    }
    assert!(asked("{}").is_err() && asked("pong").is_err());
}

#[test]
fn a_long_list_comes_page_by_page() {
    let page = |more: &str, names: &[&str]| {
        let items: Vec<_> = names
            .iter()
            .map(|name| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#))
            .collect();
        let items = items.join(",");
        format!(r#"{{"kind":"NodeList","metadata":{{"continue":"{more}"}},"items":[{items}]}}"#)
    };
    let mut api = MadeUpCluster::new().ask(move |path| match path {
        "/api/v1/nodes?limit=500" => counted(200, &page("eyJ2-_", &["a", "b"])),
        "/api/v1/nodes?limit=500&continue=eyJ2-_" => counted(200, &page("", &["c"])),
        "/api/v1/pods?limit=500" => counted(200, r#"{"kind":"PodList","items":null}"#),
        other => panic!("{other}"),
    });
    let nodes = api.nodes().unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<_> = nodes.0.iter().map(|node| &node.metadata.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(api.pods().is_ok_and(|pods| pods.0.is_empty()));

    let hostile = r#"{"kind":"NodeList","metadata":{"continue":"x HTTP/1.1\r\n"},"items":[]}"#;
    let mut api = MadeUpCluster::new().ask(move |_| counted(200, hostile));
    assert!(matches!(api.nodes(), Err(ApiError::Failed(_))));
}

#[test]
fn who_is_not_trusted_is_told_apart() {
    let good = MadeUpCluster::new();
    let refused = |answer: Result<Option<String>, ApiError>| match answer {
        Err(ApiError::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    // The cluster was recreated, and has another authority.
    let stream = MadeUpCluster::new().serve(1, |_| counted(200, "ok"));
    let connected = Api::connect_as(stream, HOST, &good.access());
    let why = refused(connected.and_then(|mut api| api.unready()));
    insta::assert_snapshot!(why, @"the certificate of 127.0.0.1 is not valid for it: certificate signature failure");
    // The administrator's certificate is another one now, or has expired.
    let mut other = good.access();
    other.identity = MadeUpCluster::new().access().identity;
    let stream = good.serve(1, |_| counted(200, "ok"));
    let connected = Api::connect_as(stream, HOST, &other);
    let why = refused(connected.and_then(|mut api| api.unready()));
    insta::assert_snapshot!(why, @"K3s's API answers 401: Unauthorized");
}

fn why<T>(answer: Result<T, ApiError>) -> String {
    match answer {
        Err(ApiError::Failed(why)) => why,
        Err(refused) => panic!("{refused}"),
        Ok(_) => panic!("an answer"),
    }
}

#[test]
fn what_is_no_answer_is_told() {
    let made = MadeUpCluster::new();
    let starting = r#"{"kind":"Status","message":"apiserver not ready","code":503}"#;
    let mut api = made.ask(move |_| counted(503, starting));
    let unready = api.unready().unwrap().unwrap();
    insta::assert_snapshot!(unready, @"K3s's API answers 503: apiserver not ready");
    insta::assert_snapshot!(why(api.pods()), @"K3s's API answers 503: apiserver not ready");

    let checks = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n";
    let mut api = made.ask(move |_| counted(500, checks));
    let unready = api.unready().unwrap().unwrap();
    insta::assert_snapshot!(unready, @"K3s's API answers 500: readyz check failed");

    let of = |said: Vec<u8>| why(made.ask(move |_| said.clone()).nodes());
    insta::assert_snapshot!(of(counted(200, r#"{"kind":"PodList","items":[]}"#)), @"it did not answer with a NodeList");
    insta::assert_snapshot!(of(counted(200, "welcome")), @"it did not answer with the JSON that was requested: expected value at line 1 column 1");
    let said = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX);
    insta::assert_snapshot!(of(said.into_bytes()), @"the answer has more than 16777216 bytes");
    let evil = format!("\u{1b}[2J{}", "x".repeat(1000));
    let told = of(counted(500, &evil));
    assert!(!told.contains('\u{1b}') && told.len() < 300, "{told}");
}

#[test]
fn a_body_without_an_end_is_given_up() {
    let made = MadeUpCluster::new();
    let mut api = made.ask(|_| {
        let mut endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let piece = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
        for _ in 0..=LONGEST_PAGE / 0x1000 {
            endless.extend_from_slice(&piece);
        }
        endless
    });
    let said = why(api.nodes());
    assert_eq!(said, "the answer has more than 16777216 bytes");
    assert!(
        matches!(api.pods(), Err(ApiError::Failed(_))),
        "nothing is asked there any more"
    );
}

#[test]
fn an_answer_that_is_cut_in_the_middle_is_none() {
    let made = MadeUpCluster::new();
    let whole = chunked(&list("NodeList", NODES));
    for length in [0, whole.len() / 2, whole.len() - 1] {
        let part = whole[..length].to_vec();
        let stream = made.serve(1, move |_| part.clone());
        let connected = Api::connect_as(stream, HOST, &made.access());
        let said = why(connected.and_then(|mut api| api.nodes()));
        let cut = if length == 0 {
            "the connection ended without an answer"
        } else {
            "the connection ended in the middle of an answer"
        };
        assert_eq!(said, cut);
    }
}

#[test]
fn a_server_that_hangs_up_does_not_say_that_it_is_not_ready() {
    let made = MadeUpCluster::new();
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no".to_vec();
    for (answers, part) in [(0, Vec::new()), (1, part)] {
        let stream = made.serve(answers, move |_| part.clone());
        let connected = Api::connect_as(stream, HOST, &made.access());
        let said = why(connected.and_then(|mut api| api.unready()));
        assert!(said.starts_with("the connection ended"), "{said}");
    }
    // One who may not ask learns nothing either.
    let mut api = made.ask(|_| counted(403, r#"{"message":"forbidden"}"#));
    let said = api.unready();
    assert!(matches!(said, Err(ApiError::Refused(_))), "{said:?}");
}

#[test]
fn a_server_that_closes_is_not_asked_again() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let mut api = MadeUpCluster::new().ask(move |_| closing.as_bytes().to_vec());
    assert_eq!(api.unready(), Ok(None));
    let said = why(api.nodes());
    assert_eq!(
        said,
        "the connection was closed before all requests were sent"
    );
}

/// An object of a list that kubectl printed, as the API answers it.
fn one(printed: &str, name: &str) -> String {
    let list: serde_json::Value = serde_json::from_str(printed).unwrap();
    let mut items = list["items"].as_array().unwrap().iter();
    let found = items.find(|item| item["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}")).to_string()
}

fn pod_named(namespace: &str, name: &str) -> ObjectName {
    ObjectName::Pod {
        namespace: namespace.into(),
        name: name.into(),
    }
}

#[test]
fn more_of_a_pod_is_asked_for_in_four_questions() {
    let event = r#"{"kind":"EventList","apiVersion":"v1","metadata":{},"items":[
        {"metadata":{"name":"e"},"type":"Warning","reason":"BackOff","message":"again","count":4,
         "lastTimestamp":"2026-11-23T23:13:14Z"}]}"#;
    let mut api = MadeUpCluster::new().ask(move |path| match path {
        "/api/v1/namespaces/zoo/pods/crash-loop" => chunked(&one(PODS, "crash-loop")),
        "/api/v1/namespaces/zoo/events?fieldSelector=involvedObject.kind%3DPod%2C\
         involvedObject.name%3Dcrash-loop%2C\
         involvedObject.uid%3D8b32a5ed-e1ae-4d16-81c6-2524eecd2d58&limit=200" => {
            counted(200, event)
        }
        "/api/v1/nodes/k3s-ag" => chunked(&one(NODES, "k3s-ag")),
        "/api/v1/namespaces/zoo/pods/crash-loop/log?container=c\
         &tailLines=40&limitBytes=65536" => counted(200, "cannot open the database\n"),
        other => panic!("{other}"),
    });
    let details = api.details(&pod_named("zoo", "crash-loop"));
    let details = details.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(details.missing, Vec::<String>::new());
    assert_eq!(details.events[0].message, "again");
    let log = details.log.expect("a log");
    assert_eq!(log.lines, ["cannot open the database"]);
    assert!(!log.is_previous);
}

#[test]
fn what_a_server_does_not_tell_of_a_pod_is_named() {
    let mut api = MadeUpCluster::new().ask(|path| {
        if path.ends_with("/pods/crash-loop") {
            return chunked(&one(PODS, "crash-loop"));
        }
        counted(400, r#"{"kind":"Status","message":"not \u001b[2J now"}"#)
    });
    let details = api.details(&pod_named("zoo", "crash-loop"));
    let details = details.unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(details.missing.join("\n"), @r"
    events: K3s's API answers 400: not [2J now
    its node: K3s's API answers 400: not [2J now
    log: K3s's API answers 400: not [2J now
    ");
    assert!(!details.parts.is_empty() && details.log.is_none());
    let gone = r#"{"kind":"Status","message":"pods \"x\" not found","code":404}"#;
    let mut api = MadeUpCluster::new().ask(move |_| counted(404, gone));
    let said = why(api.details(&pod_named("zoo", "x")));
    assert_eq!(said, "K3s's API answers 404: pods \"x\" not found");
}

#[test]
fn more_of_a_node_is_one_question() {
    let mut api = MadeUpCluster::new().ask(|path| match path {
        "/api/v1/nodes/k3s-s1" => chunked(&one(NODES, "k3s-s1")),
        other => panic!("{other}"),
    });
    let details = api.details(&ObjectName::Node("k3s-s1".into()));
    let details = details.unwrap_or_else(|error| panic!("{error}"));
    assert!(details.next.is_none() && details.parts.len() == 4);
}

/// Names come from a host: none reaches a request that is not a name.
#[test]
fn a_name_that_is_none_is_not_asked_for() {
    let made = MadeUpCluster::new();
    let long = "x".repeat(254);
    for name in [
        "",
        "..",
        "a/../b",
        "a?x=1",
        "a b",
        "a\r\nHost: b",
        "A",
        "-a",
        &long,
    ] {
        let mut api = made.ask(|path| panic!("{path}"));
        for object in [
            ObjectName::Node(name.into()),
            pod_named("zoo", name),
            pod_named(name, "crash-loop"),
        ] {
            let said = why(api.details(&object));
            assert_eq!(said, "an object has a name that Kubernetes does not allow");
        }
    }
    // Nor are those that stand in an object.
    let pod = one(PODS, "crash-loop").replace("8b32a5ed-e1ae-4d16-81c6-2524eecd2d58", "a&b");
    let pod = pod.replace("\"nodeName\":\"k3s-ag\"", "\"nodeName\":\"a/b\"");
    let pod = pod.replace("\"name\":\"c\"", "\"name\":\"c&previous=true\"");
    let mut api = made.ask(move |path| {
        assert_eq!(path, "/api/v1/namespaces/zoo/pods/crash-loop");
        chunked(&pod)
    });
    let details = api.details(&pod_named("zoo", "crash-loop"));
    let details = details.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(details.missing.len(), 3, "{:?}", details.missing);
}

#[test]
fn a_log_without_an_end_is_given_up() {
    let mut api = MadeUpCluster::new().ask(|path| {
        if path.ends_with("/pods/crash-loop") {
            return chunked(&one(PODS, "crash-loop"));
        }
        if path.contains("/log?") {
            return chunked(&"x".repeat(70_000));
        }
        counted(404, "no")
    });
    let details = api.details(&pod_named("zoo", "crash-loop"));
    let details = details.unwrap_or_else(|error| panic!("{error}"));
    assert!(details.log.is_none());
    let last = details.missing.last().map(String::as_str);
    assert_eq!(last, Some("log: the answer has more than 65540 bytes"));
}
