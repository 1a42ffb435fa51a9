//! Generated templates: every function with fitting and unfitting arguments.

use serde_json::{Value, json};

/// Splitmix64: the cases must be the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((it ^ (it >> 31)) % bound as u64).expect("below a usize")
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// What all templates see.
pub(crate) fn values() -> Value {
    json!({
        "int": 5, "zero": 0, "big": 12_345_678, "huge": 1e21, "neg": -7, "float": 2.5, "small": 0.000_000_1,
        "str": "hello world", "empty": "", "num": "42", "oct": "0755", "uni": "héllo→", "multi": "a\nb\n\n  c\n", "camel": "fooBarBAZ_qux-9x",
        "html": "<a href='x'>&\"</a>", "yaml": "a: 1\nb: [x, y]\n", "json": "{\"k\": [1, 2.5, null]}",
        "yes": true, "no": false, "null": null,
        "list": ["b", "a", "c", "a"], "nums": [3, 1, 2], "mixed": [1, "x", null, true, {"k": "v"}, [1]], "none": [],
        "map": {"a": 1, "b": "two", "c": {"d": {"e": "deep"}}, "n": null, "l": [1, 2]}, "other": {"b": "three", "c": {"d": {"f": 0}}, "z": false, "a": 0},
        "strs": {"x": "1", "y": "2"}, "hollow": {}, "version": "v1.21.3-gke.100+abc",
    })
}

const TEXTS: &[&str] = &[
    ".Values.str",
    ".Values.empty",
    ".Values.num",
    ".Values.uni",
    ".Values.multi",
    ".Values.camel",
    ".Values.html",
    "\"abc\"",
    "\"a,b,,c\"",
    "\" pad \"",
    "\"-\"",
    "\",\"",
    "\"a\"",
    "\"1.2.3\"",
    "`raw \\n`",
    "\"Foo Bar\"",
    ".Release.Name",
    ".Chart.Version",
    "\"x/y/../z.tar.gz\"",
    "\"/\"",
    "\"é\"",
    "\"FOO\"",
    "\"b\\tc\"",
    "(print 5)",
];
const INTS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "-1",
    "-3",
    "20",
    "(int 4)",
    "(int .Values.int)",
    "(len .Values.list)",
    "80",
];
const FLOATS: &[&str] = &["0.5", "1.0", "2.25", "-0.5", ".Values.float", "(float64 3)"];
const MAPS: &[&str] = &[
    ".Values.map",
    ".Values.other",
    ".Values.hollow",
    "(dict)",
    "(dict \"a\" 1 \"b\" (list 1))",
    "(dict \"a\" (dict \"b\" 2))",
    ".Values.map.c",
    "(deepCopy .Values.map)",
    "(fromYaml .Values.yaml)",
];
const LISTS: &[&str] = &[
    ".Values.list",
    ".Values.nums",
    ".Values.mixed",
    ".Values.none",
    "(list)",
    "(list 1 \"b\" 2.5)",
    "(splitList \",\" \"a,b,c\")",
    "(until 4)",
    "(list nil 1)",
    "(rest .Values.list)",
    "(rest (list))",
    "(list (list 1) (list 2))",
    "(tuple \"z\" \"y\")",
];
const BOOLS: &[&str] = &["true", "false", ".Values.yes", ".Values.no", "(eq 1 1)"];
const OTHERS: &[&str] = &[
    ".Values.null",
    ".Values.missing",
    "(.Values.missing)",
    ".Values.int",
    ".Values.big",
    ".Values.huge",
    ".Values.small",
    ".Values.zero",
    "1.5e3",
    "'x'",
    "0x1F",
    "1_000",
    "(int64 9)",
    "(split \".\" \"a.b\")",
    ".Values.map.b",
    ".Values.map.c.d",
    ".Values.map.n",
    "(index .Values.list 0)",
    ".Values.strs.x",
    "(semver \"1.2.3\")",
    ".Capabilities.KubeVersion",
    "nil",
];

/// Function and the kinds of its parameters: s text, i int, f float, b truth value, m map, l list, a anything; `*` repeats the last.
const FUNCTIONS: &[(&str, &str)] = &[
    ("trim", "s"),
    ("trimAll", "ss"),
    ("trimall", "ss"),
    ("trimPrefix", "ss"),
    ("trimSuffix", "ss"),
    ("upper", "s"),
    ("lower", "s"),
    ("title", "s"),
    ("untitle", "s"),
    ("swapcase", "s"),
    ("snakecase", "s"),
    ("kebabcase", "s"),
    ("camelcase", "s"),
    ("initials", "s"),
    ("nospace", "s"),
    ("substr", "iis"),
    ("trunc", "is"),
    ("abbrev", "is"),
    ("abbrevboth", "iis"),
    ("repeat", "is"),
    ("wrap", "is"),
    ("wrapWith", "iss"),
    ("contains", "ss"),
    ("hasPrefix", "ss"),
    ("hasSuffix", "ss"),
    ("quote", "a*"),
    ("squote", "a*"),
    ("cat", "a*"),
    ("indent", "is"),
    ("nindent", "is"),
    ("replace", "sss"),
    ("plural", "ssi"),
    ("toString", "a"),
    ("split", "ss"),
    ("splitn", "sis"),
    ("splitList", "ss"),
    ("toStrings", "a"),
    ("join", "sl"),
    ("sortAlpha", "l"),
    ("int", "a"),
    ("int64", "a"),
    ("float64", "a"),
    ("atoi", "s"),
    ("toDecimal", "a"),
    ("seq", "i*"),
    ("add1", "a"),
    ("add", "a*"),
    ("sub", "aa"),
    ("div", "aa"),
    ("mod", "aa"),
    ("mul", "aa*"),
    ("max", "aa*"),
    ("min", "aa*"),
    ("biggest", "aa*"),
    ("maxf", "aa*"),
    ("minf", "aa*"),
    ("ceil", "a"),
    ("floor", "a"),
    ("round", "ai"),
    ("round", "aif"),
    ("add1f", "a"),
    ("addf", "a*"),
    ("subf", "aa*"),
    ("mulf", "aa*"),
    ("divf", "aa*"),
    ("default", "aa"),
    ("empty", "a"),
    ("coalesce", "a*"),
    ("all", "a*"),
    ("any", "a*"),
    ("ternary", "aab"),
    ("required", "sa"),
    ("fail", "s"),
    ("list", "a*"),
    ("tuple", "a*"),
    ("append", "la"),
    ("push", "la"),
    ("mustAppend", "la"),
    ("prepend", "la"),
    ("first", "l"),
    ("last", "l"),
    ("rest", "l"),
    ("initial", "l"),
    ("reverse", "l"),
    ("uniq", "l"),
    ("without", "la*"),
    ("has", "al"),
    ("compact", "l"),
    ("slice", "l"),
    ("slice", "li"),
    ("slice", "lii"),
    ("concat", "l*"),
    ("chunk", "il"),
    ("until", "i"),
    ("untilStep", "iii"),
    ("dict", "a*"),
    ("get", "ms"),
    ("set", "msa"),
    ("unset", "ms"),
    ("hasKey", "ms"),
    ("pluck", "smm*"),
    ("pick", "ms*"),
    ("omit", "ms*"),
    ("merge", "mm*"),
    ("mergeOverwrite", "mm*"),
    ("mustMerge", "mm*"),
    ("mustMergeOverwrite", "mm*"),
    ("deepCopy", "a"),
    ("dig", "sam"),
    ("dig", "ssam"),
    ("toYaml", "a"),
    ("toJson", "a"),
    ("toPrettyJson", "a"),
    ("toRawJson", "a"),
    ("mustToJson", "a"),
    ("fromYaml", "s"),
    ("fromYamlArray", "s"),
    ("fromJson", "s"),
    ("fromJsonArray", "s"),
    ("b64enc", "s"),
    ("b64dec", "s"),
    ("b32enc", "s"),
    ("b32dec", "s"),
    ("sha1sum", "s"),
    ("sha256sum", "s"),
    ("sha512sum", "s"),
    ("adler32sum", "s"),
    ("typeOf", "a"),
    ("kindOf", "a"),
    ("typeIs", "sa"),
    ("kindIs", "sa"),
    ("typeIsLike", "sa"),
    ("deepEqual", "aa"),
    ("base", "s"),
    ("dir", "s"),
    ("clean", "s"),
    ("ext", "s"),
    ("isAbs", "s"),
    ("osBase", "s"),
    ("regexMatch", "rs"),
    ("regexFind", "rs"),
    ("regexFindAll", "rsi"),
    ("regexReplaceAll", "rss"),
    ("regexReplaceAllLiteral", "rss"),
    ("regexSplit", "rsi"),
    ("regexQuoteMeta", "s"),
    ("mustRegexMatch", "rs"),
    ("semverCompare", "cv"),
    ("semver", "v"),
    ("urlParse", "u"),
    ("urlJoin", "m"),
    ("urlquery", "a*"),
    ("eq", "aa*"),
    ("ne", "aa"),
    ("lt", "aa"),
    ("le", "aa"),
    ("gt", "aa"),
    ("ge", "aa"),
    ("and", "a*"),
    ("or", "a*"),
    ("not", "a"),
    ("len", "a"),
    ("index", "ma"),
    ("index", "li"),
    ("index", "la*"),
    ("print", "a*"),
    ("println", "a*"),
    ("printf", "pa*"),
    ("html", "a*"),
    ("js", "a*"),
    ("duration", "a"),
    ("durationRound", "a"),
    ("toDate", "ds"),
    ("lookup", "ssss"),
    ("htmlDate", "t"),
    ("date", "dt"),
    ("dateInZone", "dtz"),
    ("unixEpoch", "t"),
    ("dateModify", "gt"),
    ("toToml", "m"),
    ("fromToml", "o"),
    ("values", "m"),
    ("include", "na"),
    ("tpl", "xa"),
];

const PATTERNS: &[&str] = &[
    "\"a+\"",
    "`\\d+`",
    "\"[a-z]\"",
    "\"\"",
    "\"(h)(e)?\"",
    "\"^\"",
    "\"[\"",
    "`\\s`",
    "\"(?P<w>l+)\"",
    "\"x*\"",
    "\"b|c\"",
];
const CONSTRAINTS: &[&str] = &[
    "\">=1.21\"",
    "\">=1.21-0\"",
    "\"~1.2\"",
    "\"^1.2.3\"",
    "\"1.x\"",
    "\"*\"",
    "\"!=1.2.3\"",
    "\">1 <2\"",
    "\"1.2 - 1.4\"",
    "\"<=1.21 || >2\"",
    "\"=1.2.3\"",
    "\"foo\"",
    "\"~>1.2.3, <1.3\"",
    "\"^0.2.3\"",
    "\"^0.0\"",
    "\"\"",
    "\"<1.2.x\"",
    "\">=v1\"",
];
const VERSIONS: &[&str] = &[
    "\"1.2.3\"",
    ".Values.version",
    "\"v1.21\"",
    "\"2\"",
    "\"1.2.3-beta.2\"",
    "\"bad\"",
    "\"1.3.0+meta\"",
    "\"0.2.9\"",
    "\"1.02.3\"",
    "\"1.0.0-01\"",
];
const URLS: &[&str] = &[
    "\"http://user:p%40ss@host:80/a/b?x=1&y=2#frag\"",
    "\"mailto:a@b.c\"",
    "\"/just/path\"",
    "\"//h/p\"",
    "\"http://[::1]:8080/\"",
    "\"%zz\"",
    "\"http://h/%7Efoo bar\"",
    "\"a:b:c\"",
    "\"\"",
];
const FORMATS: &[&str] = &[
    "\"%v\"",
    "\"%s-%d\"",
    "\"%5d|%-5d|%05d\"",
    "\"%q\"",
    "\"%x %X\"",
    "\"%T\"",
    "\"%.2f\"",
    "\"%t\"",
    "\"%e|%g|%G\"",
    "\"%8.3f|%-8.2f|%+d\"",
    "\"%c%U\"",
    "\"%%|%z\"",
    "\"%[2]v %[1]v\"",
    "\"%*d\"",
    "\"%#v\"",
    "\"%6.2s|%-6s|\"",
    "\"%b %o %#x\"",
    "\"%s %s %s\"",
    "\"none\"",
    "\"%+q % x\"",
    "\"%\"",
    "\"%3c|%08.3f|% d\"",
    "\"%v %v\"",
    "\"%.70000f|%.70000g\"",
    "\"%.70000e|%.70000d\"",
    "\"%55555555555555v|\"",
    "\"%.2000000000s|\"",
];
const LAYOUTS: &[&str] = &[
    "\"2006-01-02\"",
    "\"Mon Jan _2 15:04:05 2006\"",
    "\"2006-01-02T15:04:05Z07:00\"",
    "\"02 January 06 03:04 PM\"",
    "\"15h04m05.000s\"",
    "\"Monday, 2-1-2006 3pm .999\"",
    "\"-0700 MST 002\"",
];
const TIMES: &[&str] = &[
    "(toDate \"2006-01-02\" \"2024-02-29\")",
    "(int64 1700000000)",
    "1700000123",
    "(toDate \"2006-01-02T15:04:05Z07:00\" \"2023-07-04T12:34:56.789+02:00\")",
];
const ZONES: &[&str] = &["\"UTC\"", "\"\"", "\"Nowhere/Land\""];
const SPANS: &[&str] = &["\"1h\"", "\"-36h15m\"", "\"1.5s\"", "\"bad\"", "\"100ms\""];
const TOMLS: &[&str] = &[
    "\"a = 1\\nb = \\\"x\\\"\\n[t]\\nc = [1, 2]\\n\"",
    "\"= 1\"",
    "\"d = 2.5\\n[[arr]]\\nk = true\\n[[arr]]\\nk = false\\n\"",
    "\"a.b.c = 'lit'\\nz = 0x1F\\n\"",
];
const NAMES: &[&str] = &["\"own\"", "\"dot\"", "\"nope\"", "\"nested\""];
const TPLS: &[&str] = &[
    "\"{{ .a }}\"",
    "\"{{ . }}\"",
    "\"{{ if . }}y{{ end }}\"",
    "\"{{ include \\\"own\\\" . }}\"",
    "\"{{ bad\"",
    "\"plain\"",
    "\"{{ .a.b.c }}\"",
    "\"{{ define \\\"own\\\" }}new{{ end }}{{ include \\\"own\\\" . }}\"",
];

/// Writes an argument of a kind; one in eight does not fit.
fn argument(random: &mut Random, kind: char) -> String {
    let all = [TEXTS, INTS, FLOATS, MAPS, LISTS, BOOLS, OTHERS];
    let from = match kind {
        _ if random.below(8) == 0 => all[random.below(all.len())],
        's' => TEXTS,
        'i' => INTS,
        'f' => FLOATS,
        'b' => BOOLS,
        'm' => MAPS,
        'l' => LISTS,
        'r' => PATTERNS,
        'c' => CONSTRAINTS,
        'v' => VERSIONS,
        'u' => URLS,
        'p' => FORMATS,
        'd' => LAYOUTS,
        't' => TIMES,
        'z' => ZONES,
        'g' => SPANS,
        'o' => TOMLS,
        'n' => NAMES,
        'x' => TPLS,
        _ => all[random.below(all.len())],
    };
    random.pick(from).to_owned()
}

/// Writes a call of a function.
fn call(random: &mut Random, (name, kinds): (&str, &str)) -> String {
    let mut arguments: Vec<String> = Vec::new();
    let mut last = 'a';
    for kind in kinds.chars() {
        let count = if kind == '*' { random.below(3) } else { 1 };
        let kind = if kind == '*' { last } else { kind };
        arguments.extend((0..count).map(|_| argument(random, kind)));
        last = kind;
    }
    // Some take their last argument from a pipe, some have one too few.
    match random.below(12) {
        0 if !arguments.is_empty() && arguments.last().is_some_and(|it| it != "nil") => {
            let last = arguments.pop().expect("not empty");
            format!("{last} | {name} {}", arguments.join(" "))
        }
        1 if name != "values" => {
            arguments.pop();
            format!("{name} {}", arguments.join(" "))
        }
        _ => format!("{name} {}", arguments.join(" ")),
    }
}

/// Templates for every function.
pub(crate) fn calls(random: &mut Random, each: usize) -> Vec<String> {
    let mut all = Vec::new();
    for function in FUNCTIONS {
        for _ in 0..each {
            let call = call(random, *function);
            // Go's order of values is random.
            let call = if function.0 == "values" {
                format!("len ({call})")
            } else {
                call
            };
            all.push(match random.below(6) {
                0 => format!("{{{{ {call} | toJson }}}}"),
                1 => format!(
                    "{{{{ $x := {call} }}}}{{{{ kindOf $x }}}} {{{{ typeOf $x }}}} {{{{ $x }}}}"
                ),
                2 => format!("{{{{ if {call} }}}}yes{{{{ else }}}}no{{{{ end }}}}"),
                3 => format!("a\n  {{{{- {call} | toYaml | nindent 2 }}}}\nb"),
                _ => format!("[{{{{ {call} }}}}]"),
            });
        }
    }
    all
}
