//! Damaged charts must not make the engine panic, nor run without end.

use super::*;

/// Splitmix64: damage must be the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((it ^ (it >> 31)) % bound as u64).expect("below a usize")
    }

    fn damage(&mut self, text: &str) -> String {
        const PIECES: &[&str] = &[
            "{{",
            "}}",
            "{{-",
            "-}}",
            "/*",
            "*/",
            "|",
            "(",
            ")",
            ".",
            "$",
            "$x",
            ":=",
            "=",
            "\"",
            "`",
            "'",
            "nil",
            "end",
            "else",
            "range",
            "with",
            "define",
            "template",
            "include",
            "-1",
            "9223372036854775807",
            "1e400",
            "0x",
            "\\",
            "\u{feff}",
            "é",
            "\0",
            "\n",
            ":",
            "- ",
            "[",
            "}",
            ",",
            "%",
            "until",
            "index",
            "slice",
            "substr",
            "trunc",
            "printf",
            "repeat",
            "toYaml",
            "fromYaml",
            "merge",
            "set",
            "dict",
            "list",
            "semver",
            "regexFind",
            "tpl",
            ".Values",
            ".Files",
            ".Capabilities",
        ];
        let mut out = text.to_owned();
        for _ in 0..=self.below(4) {
            let mut at = self.below(out.len() + 1);
            while !out.is_char_boundary(at) {
                at -= 1;
            }
            match self.below(4) {
                0 => {
                    let mut end = (at + self.below(12)).min(out.len());
                    while !out.is_char_boundary(end) {
                        end -= 1;
                    }
                    out.replace_range(at..end.max(at), "");
                }
                _ => out.insert_str(at, PIECES[self.below(PIECES.len())]),
            }
        }
        out
    }
}

#[test]
fn damaged_charts_never_panic() {
    let template = "{{- define \"x\" -}}\n{{ range $i, $e := .Values.list }}{{ printf \"%d %v\" $i ($e | toYaml) | nindent 2 }}{{ else }}no{{ end }}\n{{- end }}\n{{ include \"x\" . | trim | quote }}\n{{ with $m := merge (dict \"a\" 1) .Values.map }}{{ $m.a }}{{ index $.Values.list 0 }}{{ end }}\n{{ if and .Values.map (gt (int .Values.n) 1) }}{{ substr 0 2 .Values.s }}{{ trunc -2 .Values.s }}{{ regexReplaceAll \"a(b)?\" .Values.s \"$1\" }}{{ end }}\n{{ template \"x\" . }}{{ (.Files.Glob \"*\").AsConfig }}{{ semverCompare \">=1.2\" .Capabilities.KubeVersion.Version }}{{ dig \"a\" \"b\" 1 (dict \"a\" (dict)) }}\n{{ tpl \"{{ .a }}\" .Values.map }}{{ date \"2006\" 0 }}{{ slice .Values.list 0 1 }}{{ splitn \"-\" 2 \"a-b\" }}{{ wrap 3 .Values.s }}";
    let values = "list: [1, b, {c: d}]\nmap: {b: {c: null}, z: &a [1]}\nn: 5\ns: \"some text é\"\nsub: {x: 1}\nglobal: {g: 1}\n";
    let metadata = "name: c\nversion: 1.0.0\ndependencies: [{name: s, version: '1', condition: sub.x, import-values: [d]}]\n";
    let schema = r##"{"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"anyOf": [{"type": "number", "minimum": 1}]}}}"##;
    let mut random = Random(3);
    for round in 0..4000 {
        let mut parts = [template, values, metadata, schema].map(ToOwned::to_owned);
        let hit = if random.below(3) > 0 {
            0
        } else {
            random.below(parts.len())
        };
        parts[hit] = random.damage(&parts[hit]);
        let files = [
            ("templates/t.yaml", parts[0].as_str()),
            ("values.yaml", parts[1].as_str()),
            ("Chart.yaml", parts[2].as_str()),
            ("values.schema.json", parts[3].as_str()),
            ("charts/s/Chart.yaml", "name: s\nversion: 1.0.0\n"),
            ("charts/s/templates/u.yaml", "{{ .Values }}"),
        ];
        if let Ok(rendered) = rendered(&files, &json!({"n": round})) {
            let _ = manifest::print(&rendered, manifest::PrintOptions::default());
        }
    }
}
