use serde_json::json;

use super::*;

#[test]
fn names_of_credentials_are_told_from_those_of_places() {
    for name in [
        "accessToken",
        "token",
        "PILOT_TOKEN",
        "DB_PASSWORD",
        "CLIENT_SECRET",
        "clientSecret",
        "api-key",
        "API_KEY",
        "apiKey",
        "x.y/secretKey",
        "S3_SECRET_ACCESS_KEY",
        "privateKey",
    ] {
        assert!(is_credential(name), "{name}");
    }
    // Istio's own settings, and where a credential lies.
    for name in [
        "secretName",
        "imagePullSecrets",
        "TOKEN_AUDIENCES",
        "tokenPath",
        "JWT_POLICY",
        "ENABLE_CA_SERVER",
        "LOCAL_CLUSTER_SECRET_WATCHER",
        "credentialName",
        "caBundle",
        "TOKEN_ISSUER",
        "monkey",
        "key",
        "publicKey",
        "PILOT_CERT_PROVIDER",
        "secretmount",
    ] {
        assert!(!is_credential(name), "{name}");
    }
}

#[track_caller]
fn check(text: &str, hidden: &str, literals: &[&str]) {
    let mut found = Vec::new();
    let got = hidden_text(text, &mut |it| found.push(it.to_owned()));
    assert_eq!(got.as_deref().unwrap_or(text), hidden);
    assert_eq!(found, literals);
}

#[test]
fn texts_lose_their_credentials_and_keep_the_rest() {
    check(
        "tracing:\n  lightstep:\n    address: a:80\n    accessToken: s3cr3t-value # ours\ntrustDomain: td\n",
        "tracing:\n  lightstep:\n    address: a:80\n    accessToken: (a credential) # ours\ntrustDomain: td\n",
        &["s3cr3t-value"],
    );
    check(
        r#"{"global": {"token": "a\"b", "tokenPath": "/x", "n": 1}}"#,
        r#"{"global": {"token": "(a credential)", "tokenPath": "/x", "n": 1}}"#,
        &[r#"a\"b"#],
    );
    check(
        "a: {password: hunter22, b: c}\n",
        "a: {password: (a credential), b: c}\n",
        &["hunter22"],
    );
    check(
        "x:\n  token: |\n    one\n    two\n  y: 1\n",
        "x:\n  token: (a credential)\n  y: 1\n",
        &["|\n    one\n    two"],
    );
    check(
        "values.pilot.env.MY_TOKEN=abcdefgh",
        "values.pilot.env.MY_TOKEN=(a credential)",
        &["abcdefgh"],
    );
    for same in [
        "token: /var/run/secrets/tokens/istio-token\n",
        "useToken: true\nsecret:\n  secretName: ca\n",
        "token: \"\"\ntoken: {}\n",
        "url: https://example.com/?a=b\n",
    ] {
        check(same, same, &[]);
    }
}

#[test]
fn values_lose_them_by_their_path_and_their_name() {
    let hidden = |path: &str, mut value: Value| {
        hide(path, &mut value, &mut |_| {});
        value
    };
    for path in [
        "meshConfig.defaultConfig.tracing.lightstep.accessToken",
        "spec.template.spec.containers[name=discovery].env[name=DB_PASSWORD].value",
        "values.pilot.env.DB_PASSWORD",
        "stringData[\"token\"]",
    ] {
        assert_eq!(hidden(path, json!("hunter2")), json!(HIDDEN), "{path}");
    }
    assert_eq!(hidden("spec.replicas", json!(3)), json!(3));
    assert_eq!(
        hidden("values.pilot.env.JWT_POLICY", json!("third")),
        json!("third")
    );
    assert_eq!(
        hidden(
            "spec.template.spec.containers[name=discovery].env",
            json!([
                {"name": "A_TOKEN", "value": "hunter2"},
                {"name": "B_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
                {"name": "LEVEL", "value": "debug"},
            ])
        ),
        json!([
            {"name": "A_TOKEN", "value": HIDDEN},
            {"name": "B_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
            {"name": "LEVEL", "value": "debug"},
        ])
    );
    assert_eq!(
        hidden(
            "data",
            json!({"mesh": "accessToken: hunter2\nrootNamespace: a\n", "token": "hunter2"})
        ),
        json!({"mesh": "accessToken: (a credential)\nrootNamespace: a\n", "token": HIDDEN})
    );
}
