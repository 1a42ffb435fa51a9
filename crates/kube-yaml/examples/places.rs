//! Prints where each key of a text stands, and the text as Kubernetes' tools write it:
//! `cargo run -p kube-yaml --example places`.

#![expect(clippy::print_stdout, reason = "its output")]

use kube_yaml::{Error, from_str, load, to_string};

const TEXT: &str = "kind: ConfigMap\napiVersion: v1\ndata: {answer: \"42\", on: yes}\n";

fn main() -> Result<(), Error> {
    load(TEXT, |document| {
        for key in ["kind", "data"] {
            if let Some(node) = document.get(key) {
                println!("{}:{}: {key}", node.position.line, node.position.column);
            }
        }
    })?;
    print!("{}", to_string(&from_str(TEXT)?));
    Ok(())
}
