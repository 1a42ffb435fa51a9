//! Charts that were written to never end or to fill the memory: each ends with an error that names its place.

use std::time::Instant;

use super::*;

const CALLS: &str = "the templates call more than 1000000 times";
const MADE: &str = "the functions make more than 268435456 bytes";
const WORK: &str = "the functions go over more than 1073741824 bytes";
const LONG: &str = "the text would be longer than 16777216 bytes";
const LIST: &str = "the list would be longer than 1000000";
const READ: &str = "the text to be read is longer than 2097152 bytes";
const DEEP: &str = "exceeded maximum template depth";
const WRITTEN: &str = "the templates write more than 67108864 bytes";

/// A text of 8 MiB, to be named `$m`, and a list of as many of them as it takes, to be named `$l`.
const LARGE: &str = "{{ $m := repeat 8388608 \"x\" }}{{ $l := list }}{{ range until 100 }}{{ $l = append $l $m }}{{ end }}\n";

/// Data that holds itself twice.
const CYCLE: &str = "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ $_ = set $d \"b\" $d }}{{ $_ = set $d \"c\" \"text\" }}\n";

/// What the template is, what stands before it, and what its error says.
const CHARTS: &[(&str, &str, &str)] = &[
    // Forks.
    (
        "",
        "{{ define \"x\" }}{{ include \"x\" . }}{{ include \"x\" . }}{{ end }}\n{{ include \"x\" . }}",
        DEEP,
    ),
    (
        "{{ define \"x\" }}{{ if lt (len .) 40 }}{{ include \"x\" (append . 1) }}{{ include \"x\" (append . 1) }}{{ end }}{{ end }}\n",
        "{{ include \"x\" list }}",
        CALLS,
    ),
    (
        "{{ define \"x\" }}{{ if lt (len .) 40 }}{{ template \"x\" (append . 1) }}{{ template \"x\" (append . 1) }}{{ end }}{{ end }}\n",
        "{{ template \"x\" list }}",
        CALLS,
    ),
    (
        "{{ $t := \"{{ if lt (len .l) 40 }}{{ tpl .t (dict \\\"t\\\" .t \\\"l\\\" (append .l 1)) }}{{ tpl .t (dict \\\"t\\\" .t \\\"l\\\" (append .l 1)) }}{{ end }}\" }}\n",
        "{{ tpl $t (dict \"t\" $t \"l\" list) }}",
        "than",
    ),
    (
        "{{ define \"a\" }}{{ if lt (len .) 40 }}{{ include \"b\" (append . 1) }}{{ include \"b\" (append . 1) }}{{ end }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ end }}\n",
        "{{ include \"a\" list }}",
        CALLS,
    ),
    (
        "",
        "{{ define \"x\" }}{{ template \"x\" . }}{{ end }}\n{{ template \"x\" . }}",
        DEEP,
    ),
    (
        "{{ $t := \"{{ tpl .t . }}\" }}\n",
        "{{ tpl $t (dict \"t\" $t) }}",
        DEEP,
    ),
    (
        "{{ $t := \"{{ tpl (cat .t .t) (dict `t` (cat .t .t)) }}\" }}\n",
        "{{ tpl $t (dict \"t\" $t) }}",
        "than",
    ),
    // Ranges.
    ("", "{{ range 1000000000000 }}{{ end }}", CALLS),
    (
        "",
        "{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}{{ end }}",
        "than",
    ),
    ("", "{{ range until 1000000000 }}{{ end }}", LIST),
    ("", "{{ untilStep 0 1000000000 1 }}", LIST),
    ("", "{{ seq 1 1 1000000000 }}", "than"),
    (
        "",
        "{{ range 100000 }}{{ range $.Values }}{{ break }}{{ end }}{{ until 10000 | len }}{{ end }}",
        "than",
    ),
    (
        "{{ $d := dict }}{{ range until 100000 }}{{ $_ := set $d (toString .) . }}{{ end }}\n",
        "{{ range until 1000000 }}{{ range $d }}{{ break }}{{ end }}{{ end }}",
        "than",
    ),
    // Long texts.
    ("", "{{ repeat 1000000000 \"xxxxxxxx\" }}", LONG),
    ("", "{{ repeat 9223372036854775807 \"xx\" }}", LONG),
    ("", "{{ join (repeat 16777216 \"x\") (until 16000) }}", LONG),
    (LARGE, "{{ join \"\" $l }}", LONG),
    (LARGE, "{{ join $m (until 1000) }}", LONG),
    (LARGE, "{{ $l }}", LONG),
    (LARGE, "{{ toYaml $l }}", LONG),
    (LARGE, "{{ toJson $l }}", LONG),
    (LARGE, "{{ toPrettyJson (dict \"l\" $l) }}", LONG),
    (LARGE, "{{ toToml (dict \"l\" $l) }}", LONG),
    (LARGE, "{{ toStrings $l }}", LONG),
    (LARGE, "{{ print $l }}", LONG),
    (LARGE, "{{ quote $m $m $m }}", LONG),
    (LARGE, "{{ cat $m $m $m }}", LONG),
    (LARGE, "{{ printf \"%v\" $l }}", LONG),
    (LARGE, "{{ printf \"%[1]s%[1]s%[1]s\" $m }}", LONG),
    (
        "",
        "{{ printf \"%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d%1000000d\" 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 }}",
        LONG,
    ),
    (
        "{{ $f := repeat 100 \"%*d\" }}\n",
        "{{ printf $f 1000000 1 }}",
        LONG,
    ),
    (LARGE, "{{ replace \"x\" $m $m }}", LONG),
    (LARGE, "{{ indent 1000 (replace \"x\" \"\\n\" $m) }}", LONG),
    (LARGE, "{{ wrapWith 1 $m $m }}", LONG),
    (LARGE, "{{ regexReplaceAll \"x\" $m $m }}", "than"),
    // Much memory by small steps.
    (
        "{{ $s := \"x\" }}\n",
        "{{ range until 40 }}{{ $s = print $s $s }}{{ end }}",
        "than",
    ),
    (
        "{{ $l := list 1 }}\n",
        "{{ range until 40 }}{{ $l = concat $l $l }}{{ end }}",
        MADE,
    ),
    (
        "{{ $d := dict }}\n",
        "{{ range $i := until 1000 }}{{ $_ := set $d (toString $i) (repeat 8388608 \"x\") }}{{ end }}",
        MADE,
    ),
    (
        "{{ $d := dict }}\n",
        "{{ range $i := until 1000 }}{{ $_ := set $d (toString $i) (until 1000000) }}{{ end }}",
        MADE,
    ),
    (
        LARGE,
        "{{ range until 1000 }}{{ $x := splitList \"\" $m }}{{ end }}",
        "than",
    ),
    (LARGE, "{{ range until 1000 }}{{ $m }}{{ end }}", WRITTEN),
    (
        LARGE,
        "{{ range until 1000 }}{{ $x := trimPrefix \"x\" $m }}{{ end }}",
        MADE,
    ),
    (
        "{{ $d := dict \"a\" (until 100000) }}\n",
        "{{ range $i := until 10000 }}{{ $_ := set $d (toString $i) (deepCopy $d) }}{{ end }}",
        "than",
    ),
    // Much time.
    (
        LARGE,
        "{{ range until 1000000 }}{{ if contains \"y\" $m }}{{ end }}{{ end }}",
        WORK,
    ),
    (
        LARGE,
        "{{ range until 1000000 }}{{ if sha256sum $m }}{{ end }}{{ end }}",
        WORK,
    ),
    (
        LARGE,
        "{{ regexMatch \"(x+x+)+y\" $m }}{{ range until 1000 }}{{ if regexMatch \"(x+x+)+y\" $m }}{{ end }}{{ end }}",
        WORK,
    ),
    (
        LARGE,
        "{{ regexFindAll \"((x{1,100}){1,100}){1,10}y\" $m -1 }}",
        "than",
    ),
    ("{{ $l := until 1000000 }}\n", "{{ uniq $l }}", WORK),
    (
        "{{ $l := until 1000000 }}\n",
        "{{ range until 100000 }}{{ if has -1 $l }}{{ end }}{{ end }}",
        WORK,
    ),
    // Data that holds itself.
    (CYCLE, "{{ toYaml $d }}", LONG),
    (CYCLE, "{{ $d }}", LONG),
    (CYCLE, "{{ $x := deepCopy $d }}", "the data is larger than"),
    (
        CYCLE,
        "{{ $x := merge dict $d (dict \"a\" $d) }}",
        "the data is larger than",
    ),
    (
        CYCLE,
        "{{ if deepEqual $d (dict \"a\" $d \"b\" $d \"c\" \"text\") }}{{ end }}",
        "the data is larger than",
    ),
    // Texts that are read.
    (LARGE, "{{ fromYaml (replace \"xx\" \"- \" $m) }}", READ),
    (LARGE, "{{ fromJson (replace \"x\" \"[\" $m) }}", READ),
    (
        LARGE,
        "{{ tpl (replace \"xxxxxxxx\" \"{{ . }} \" $m) . }}",
        READ,
    ),
    (
        "{{ $t := repeat 200000 \"{{ . }}\" }}\n",
        "{{ range until 1000 }}{{ $x := tpl $t 1 }}{{ end }}",
        "than",
    ),
];

/// The most memory that this process had at once, in bytes, where the system tells it.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[test]
fn hostile_charts_end_with_an_error_at_its_place() {
    assert!(CHARTS.len() >= 50);
    for (before, template, expected) in CHARTS {
        let began = Instant::now();
        let message = shown(&format!("{before}{template}"));
        let start = message.get(..400).unwrap_or(&message);
        assert!(message.contains(expected), "{template}: {start}");
        let place = message.split_once("c/templates/t.yaml:");
        let place = place.and_then(|(_, it)| it.split_once(": "));
        let numbers = place.map(|(it, _)| it.split(':').map(str::parse::<u32>));
        let named =
            numbers.is_some_and(|mut it| it.clone().count() == 2 && it.all(|it| it.is_ok()));
        assert!(named, "{template}: no line and column in {start}");
        assert!(
            message.len() < 4 << 20,
            "{template}: {} bytes",
            message.len()
        );
        let took = began.elapsed();
        assert!(took.as_secs() < 180, "{template}: {took:?}");
    }
    if let Some(most) = most_memory() {
        assert!(most < 1 << 30, "{most} bytes");
    }
}

#[test]
fn large_but_honest_charts_render() {
    let values: Vec<Value> = (0..2000)
        .map(|it| json!({"name": format!("n{it}"), "text": "line\n".repeat(100)}))
        .collect();
    let template = "{{ range .Values.all }}- {{ .name | quote }}: {{ tpl \"{{ .text }}\" . | toYaml | nindent 4 }}\n{{ include \"x\" . }}{{ end }}{{ define \"x\" }}{{ toYaml . | sha256sum }}{{ end }}";
    let rendered = rendered(&[("templates/t.yaml", template)], &json!({"all": values}));
    assert!(rendered.is_ok(), "{rendered:?}");
}
