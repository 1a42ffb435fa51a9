use expect_test::expect;
use istio_planner::outcome::Ref;
use serde_json::json;

use super::*;

fn said(text: &str) -> Message {
    Message::Said {
        text: text.to_owned(),
    }
}

fn waiting(reason: &str) -> Message {
    Message::Waiting {
        object: "Deployment istio-system/istiod".to_owned(),
        reason: reason.to_owned(),
    }
}

async fn heard(listener: &mut Listener, stream: &Stream) -> String {
    let lines = listener.next(stream).await.expect("the stream is there");
    String::from_utf8(lines.to_vec()).unwrap()
}

#[tokio::test]
async fn who_comes_late_hears_everything_and_of_waits_only_the_last() {
    let stream = Stream::default();
    let mut early = stream.listen();
    stream.tell(&said("one"));
    assert_eq!(heard(&mut early, &stream).await.lines().count(), 1);
    for reason in ["0 of 2", "0 of 2", "1 of 2"] {
        stream.tell(&waiting(reason));
    }
    let mut late = stream.listen();
    let all = heard(&mut late, &stream).await;
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.contains("1 of 2") && !all.contains("0 of 2"), "{all}");
    assert!(heard(&mut early, &stream).await.contains("1 of 2"));
    stream.tell(&said("two"));
    assert_eq!(
        heard(&mut early, &stream).await,
        heard(&mut late, &stream).await
    );
    let after = heard(&mut stream.listen(), &stream).await;
    assert!(!after.contains("waiting"), "a wait that is over: {after}");
}

#[test]
fn a_record_is_told_without_the_object_as_it_was() {
    let began = Event::ActionBegan {
        step: "one".to_owned(),
        action: 0,
        object: Ref {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("n".to_owned()),
            name: "c".to_owned(),
        },
        former: Some(json!({ "data": { "value": "of the cluster" } })),
        omitted: false,
        mark: None,
        pods: Vec::new(),
    };
    let record = Record::new("p", "2026-11-26T10:00:00Z".to_owned(), began);
    let message = Message::Record {
        record: without_former(&record),
    };
    expect![[r#"{"kind":"record","record":{"schema":"refit.record/v1","at":"2026-11-26T10:00:00Z","plan":"p","event":"action-began","step":"one","action":0,"object":{"apiVersion":"v1","kind":"ConfigMap","namespace":"n","name":"c"}}}"#]]
    .assert_eq(&serde_json::to_string(&message).unwrap());
}

#[test]
fn messages_have_the_words_that_the_page_reads() {
    let messages = [
        Message::Proposal {
            id: 1,
            verb: Verb::Upgrade,
            to: Some("1.30.3".to_owned()),
            state: State::Asking,
            reason: None,
        },
        Message::Plan(Outline {
            plan: "p".to_owned(),
            source: Some("1.29.6".to_owned()),
            target: "1.30.3".to_owned(),
            steps: vec![StepOutline {
                id: "apply-pilot".to_owned(),
                title: "Apply Pilot".to_owned(),
                actions: 3,
                restarts: 0,
                is_restart: false,
            }],
        }),
        waiting("0 of 1"),
        said("one"),
    ];
    let lines: Vec<String> = messages
        .iter()
        .map(|it| serde_json::to_string(it).unwrap())
        .collect();
    expect![[r#"
        {"kind":"proposal","id":1,"verb":"upgrade","to":"1.30.3","state":"asking","reason":null}
        {"kind":"plan","plan":"p","source":"1.29.6","target":"1.30.3","steps":[{"id":"apply-pilot","title":"Apply Pilot","actions":3,"restarts":0,"isRestart":false}]}
        {"kind":"waiting","object":"Deployment istio-system/istiod","reason":"0 of 1"}
        {"kind":"said","text":"one"}"#]]
    .assert_eq(&lines.join("\n"));
}
