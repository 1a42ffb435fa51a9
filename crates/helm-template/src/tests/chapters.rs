//! A line or two for every chapter of functions; what they show was compared with Helm (`tests/oracle.rs`).

use super::*;

#[track_caller]
fn table(templates: &[&str], expected: &Expect) {
    let lines: Vec<String> = templates
        .iter()
        .map(|it| format!("{it} => {}", shown(&format!("{{{{ {it} }}}}"))))
        .collect();
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn text() {
    table(
        &[
            "trimSuffix \"-\" \"a-\"",
            "trunc -3 \"abcdef\"",
            "abbrev 5 \"abcdefgh\"",
            "snakecase \"fooBarBAZ9x\"",
            "camelcase \"foo_bar\"",
            "wrapWith 5 \"\\t\" \"Hello World\"",
            "splitList \",\" \"a,b\"",
            "(split \"$\" \"a$b\")._1",
            "quote 1 nil \"é\\n\"",
            "squote \"a\"",
            "cat 1 nil \"b\"",
            "substr 1 3 \"hello\"",
            "initials \"Foo bar\"",
            "plural \"one\" \"many\" 2",
            "nindent 2 \"a\\nb\"",
            "title \"hello wORLD\"",
            "swapcase \"aB\"",
        ],
        &expect![[r#"
            trimSuffix "-" "a-" => a
            trunc -3 "abcdef" => def
            abbrev 5 "abcdefgh" => ab...
            snakecase "fooBarBAZ9x" => foo_bar_baz_9x
            camelcase "foo_bar" => FooBar
            wrapWith 5 "\t" "Hello World" => Hello	World
            splitList "," "a,b" => [a b]
            (split "$" "a$b")._1 => b
            quote 1 nil "é\n" => "1" "é\n"
            squote "a" => 'a'
            cat 1 nil "b" => 1 b
            substr 1 3 "hello" => el
            initials "Foo bar" => Fb
            plural "one" "many" 2 => many
            nindent 2 "a\nb" => 
              a
              b
            title "hello wORLD" => Hello WORLD
            swapcase "aB" => Ab
        "#]],
    );
}

#[test]
fn lists() {
    table(
        &[
            "first .Values.list",
            "rest .Values.list",
            "rest (list) | toJson",
            "append .Values.list 3",
            "concat .Values.list (list nil)",
            "uniq (list 1 1 2.0 2)",
            "without (list 1 2 3) 2",
            "has \"two\" .Values.list",
            "slice (list 1 2 3) 1",
            "chunk 2 (list 1 2 3)",
            "join \"-\" (list 1 nil \"x\")",
            "sortAlpha (list \"b\" \"a\")",
            "untilStep 0 9 4",
            "seq 0 2 6",
            "compact (list 0 1 \"\")",
            "first \"x\"",
            "index .Values.list 1",
        ],
        &expect![[r#"
            first .Values.list => 1
            rest .Values.list => [two]
            rest (list) | toJson => null
            append .Values.list 3 => [1 two 3]
            concat .Values.list (list nil) => [1 two <nil>]
            uniq (list 1 1 2.0 2) => [1 2 2]
            without (list 1 2 3) 2 => [1 3]
            has "two" .Values.list => true
            slice (list 1 2 3) 1 => [2 3]
            chunk 2 (list 1 2 3) => [[1 2] [3]]
            join "-" (list 1 nil "x") => 1-x
            sortAlpha (list "b" "a") => [a b]
            untilStep 0 9 4 => [0 4 8]
            seq 0 2 6 => 0 2 4 6
            compact (list 0 1 "") => [1]
            first "x" => template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <first "x">: error calling first: Cannot find first on type string
            index .Values.list 1 => two
        "#]],
    );
}

#[test]
fn maps() {
    table(
        &[
            "dict \"a\" 1 \"b\"",
            "get .Values.a \"b\"",
            "hasKey .Values \"none\"",
            "pick .Values.a \"b\" \"x\"",
            "omit (dict \"a\" 1 \"b\" 2) \"a\"",
            "merge (dict \"a\" 1 \"z\" false) (dict \"a\" 2 \"z\" true \"n\" nil)",
            "mergeOverwrite (dict \"a\" (dict \"x\" 1)) (dict \"a\" (dict \"y\" 0))",
            "dig \"a\" \"b\" \"default\" .Values.AsMap",
            "dig \"a\" \"c\" \"default\" (dict \"a\" (dict))",
            "keys .Values.a",
            "pluck \"b\" .Values.a (dict \"b\" 1)",
            "deepCopy .Values.a",
        ],
        &expect![[r#"
            dict "a" 1 "b" => map[a:1 b:]
            get .Values.a "b" => deep
            hasKey .Values "none" => true
            pick .Values.a "b" "x" => map[b:deep]
            omit (dict "a" 1 "b" 2) "a" => map[b:2]
            merge (dict "a" 1 "z" false) (dict "a" 2 "z" true "n" nil) => map[a:1 z:true]
            mergeOverwrite (dict "a" (dict "x" 1)) (dict "a" (dict "y" 0)) => map[a:map[x:1 y:0]]
            dig "a" "b" "default" .Values.AsMap => deep
            dig "a" "c" "default" (dict "a" (dict)) => default
            keys .Values.a => [b]
            pluck "b" .Values.a (dict "b" 1) => [deep 1]
            deepCopy .Values.a => map[b:deep]
        "#]],
    );
}

#[test]
fn numbers() {
    table(
        &[
            "add 1 2.9 \"3\"",
            "div 7 2",
            "div 1 0",
            "mod -7 3",
            "max 1 5 3",
            "round 2.345 2",
            "floor 2.9",
            "mulf 1.1 3",
            "divf 1 3",
            "int \"0755\"",
            "int64 2.9",
            "float64 \"1.5\"",
            "atoi \"9x\"",
            "toDecimal \"777\"",
            "1e3",
            "0x1F",
        ],
        &expect![[r#"
            add 1 2.9 "3" => 6
            div 7 2 => 3
            div 1 0 => template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <div 1 0>: error calling div: runtime error: integer divide by zero
            mod -7 3 => -1
            max 1 5 3 => 5
            round 2.345 2 => 2.35
            floor 2.9 => 2
            mulf 1.1 3 => 3.3
            divf 1 3 => 0.3333333333333333
            int "0755" => 493
            int64 2.9 => 2
            float64 "1.5" => 1.5
            atoi "9x" => 0
            toDecimal "777" => 511
            1e3 => 1000
            0x1F => 31
        "#]],
    );
}

#[test]
fn encodings() {
    table(
        &[
            "toYaml .Values.a",
            "toJson (dict \"h\" \"<a>\" \"f\" 1e21)",
            "toRawJson \"<\"",
            "toPrettyJson (dict \"a\" (list))",
            "fromYaml \"a: 0755\"",
            "fromYaml \"[1]\"",
            "fromYamlArray \"[yes, 1.5]\"",
            "fromJson \"{\\\"a\\\":[1,null]}\"",
            "(fromJson \"nope\").Error",
            "b64enc \"hi\"",
            "b64dec \"aGk=\"",
            "b64dec \"a\"",
            "b32enc \"hi\"",
            "b32dec \"NBUQ====\"",
            "sha1sum \"a\"",
            "sha256sum \"\"",
            "adler32sum \"abc\"",
        ],
        &expect![[r#"
            toYaml .Values.a => b: deep
            toJson (dict "h" "<a>" "f" 1e21) => {"f":1e+21,"h":"\u003ca\u003e"}
            toRawJson "<" => "<"
            toPrettyJson (dict "a" (list)) => {
              "a": []
            }
            fromYaml "a: 0755" => map[a:493]
            fromYaml "[1]" => map[Error:error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}]
            fromYamlArray "[yes, 1.5]" => [true 1.5]
            fromJson "{\"a\":[1,null]}" => map[a:[1 <nil>]]
            (fromJson "nope").Error => invalid character 'o' in literal null (expecting 'u')
            b64enc "hi" => aGk=
            b64dec "aGk=" => hi
            b64dec "a" => illegal base64 data at input byte 0
            b32enc "hi" => NBUQ====
            b32dec "NBUQ====" => hi
            sha1sum "a" => 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8
            sha256sum "" => e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            adler32sum "abc" => 38600999
        "#]],
    );
}

#[test]
fn patterns() {
    table(
        &[
            "regexMatch \"^a+$\" \"aa\"",
            "regexFind \"[0-9]+\" \"a12b3\"",
            "regexFindAll \"[a-z]\" \"a1b2\" -1",
            "regexReplaceAll \"a\" \"banana\" \"o\"",
            "regexReplaceAll \"(a)(x*)\" \"ab\" \"${1}W$2\"",
            "regexReplaceAllLiteral \"a\" \"ab\" \"$1\"",
            "regexSplit \"z+\" \"azzbz\" -1",
            "regexQuoteMeta \"1.2\"",
        ],
        &expect![[r#"
            regexMatch "^a+$" "aa" => true
            regexFind "[0-9]+" "a12b3" => 12
            regexFindAll "[a-z]" "a1b2" -1 => [a b]
            regexReplaceAll "a" "banana" "o" => bonono
            regexReplaceAll "(a)(x*)" "ab" "${1}W$2" => aWb
            regexReplaceAllLiteral "a" "ab" "$1" => $1b
            regexSplit "z+" "azzbz" -1 => [a b ]
            regexQuoteMeta "1.2" => 1\.2
        "#]],
    );
}

#[test]
fn versions_dates_paths_and_urls() {
    table(
        &[
            "(semver \"v1.2.3-a+b\").Prerelease",
            "semver \"1.2\"",
            "semverCompare \">=1.21-0\" \"v1.29.3-gke.100\"",
            "date \"Mon Jan _2 15:04:05 2006\" 0",
            "(toDate \"2006-01-02\" \"2024-02-29\") | date \"02/01/06\"",
            "dateModify \"-36h\" (toDate \"2006-01-02\" \"2024-03-01\")",
            "unixEpoch (toDate \"2006-01-02\" \"1970-01-02\")",
            "duration 95",
            "duration \"95\"",
            "durationRound \"2h10m5s\"",
            "now",
            "base \"a/b.c\"",
            "dir \"a/b\"",
            "ext \"a/b.c\"",
            "clean \"a/../b/./c\"",
            "isAbs \"/a\"",
            "urlParse \"http://u:p@h:1/p?q#f\"",
            "urlJoin (dict \"scheme\" \"https\" \"host\" \"h\" \"path\" \"/a b\")",
            "urlquery \"a b&\"",
        ],
        &expect![[r#"
            (semver "v1.2.3-a+b").Prerelease => a
            semver "1.2" => 1.2.0
            semverCompare ">=1.21-0" "v1.29.3-gke.100" => true
            date "Mon Jan _2 15:04:05 2006" 0 => Thu Jan  1 00:00:00 1970
            (toDate "2006-01-02" "2024-02-29") | date "02/01/06" => 29/02/24
            dateModify "-36h" (toDate "2006-01-02" "2024-03-01") => 2024-02-28 12:00:00 +0000 UTC
            unixEpoch (toDate "2006-01-02" "1970-01-02") => 86400
            duration 95 => 0s
            duration "95" => 1m35s
            durationRound "2h10m5s" => 2h
            now => template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <now>: error calling now: now is not supported: rendering has no clock
            base "a/b.c" => b.c
            dir "a/b" => a
            ext "a/b.c" => .c
            clean "a/../b/./c" => b/c
            isAbs "/a" => true
            urlParse "http://u:p@h:1/p?q#f" => map[fragment:f host:h:1 hostname:h opaque: path:/p query:q scheme:http userinfo:u:p]
            urlJoin (dict "scheme" "https" "host" "h" "path" "/a b") => https://h/a%20b
            urlquery "a b&" => a+b%26
        "#]],
    );
}

#[test]
fn choices_and_types() {
    table(
        &[
            "default \"d\" .Values.none",
            "coalesce 0 \"\" \"x\"",
            "ternary \"y\" \"n\" true",
            "empty (dict)",
            "all 1 0",
            "any 0 1",
            "typeOf .Values",
            "typeOf .Values.list",
            "kindOf 1.5",
            "kindIs \"map\" .Values.a",
            "typeIs \"int\" 5",
            "deepEqual (list 1) (list 1)",
            "and 1 0 2",
            "or 0 \"\" 3",
            "not nil",
            "eq 1 2 1",
            "lt 1.5 2.5",
            "lt \"a\" true",
            "len .Values.s",
            "printf \"%05d|%-4s|%q|%v|%T\" 42 \"a\" \"b\" (list nil) 1.5",
            "print 1 2 \"a\" 3",
            "html \"<'>\"",
            "js \"'\"",
            "lookup \"v1\" \"Pod\" \"\" \"\"",
            "tpl \"{{ .b }}\" .Values.a",
            "randAlphaNum 5 | len",
            "genCA \"a\" 1",
        ],
        &expect![[r#"
            default "d" .Values.none => d
            coalesce 0 "" "x" => x
            ternary "y" "n" true => y
            empty (dict) => true
            all 1 0 => false
            any 0 1 => true
            typeOf .Values => chartutil.Values
            typeOf .Values.list => []interface {}
            kindOf 1.5 => float64
            kindIs "map" .Values.a => true
            typeIs "int" 5 => true
            deepEqual (list 1) (list 1) => true
            and 1 0 2 => 0
            or 0 "" 3 => 3
            not nil => true
            eq 1 2 1 => true
            lt 1.5 2.5 => true
            lt "a" true => template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <lt "a" true>: error calling lt: incompatible types for comparison: string and bool
            len .Values.s => 4
            printf "%05d|%-4s|%q|%v|%T" 42 "a" "b" (list nil) 1.5 => 00042|a   |"b"|[<nil>]|float64
            print 1 2 "a" 3 => 1 2a3
            html "<'>" => &lt;&#39;&gt;
            js "'" => \'
            lookup "v1" "Pod" "" "" => map[]
            tpl "{{ .b }}" .Values.a => deep
            randAlphaNum 5 | len => 5
            genCA "a" 1 => template: c/templates/t.yaml:1:3: executing "c/templates/t.yaml" at <genCA "a" 1>: error calling genCA: genCA is not supported: rendering makes no keys, certificates or password hashes
        "#]],
    );
}

#[test]
fn a_text_that_is_read_twice_gives_two_values() {
    let template = r#"{{ $text := "a: {b: 1}" }}{{ $one := fromYaml $text }}{{ $two := fromYaml $text }}{{ $_ := set $one.a "b" 2 }}{{ $three := fromYaml $text }}{{ $_ := set $three.a "b" 3 }}{{ $one }} {{ $two }} {{ $three }} {{ fromYaml $text }}"#;
    assert_eq!(
        shown(template),
        "map[a:map[b:2]] map[a:map[b:1]] map[a:map[b:3]] map[a:map[b:1]]"
    );
}

#[test]
fn widths_and_precisions_of_any_size_are_go_s() {
    // What Go 1.26 prints: the text, or its length where it is long.
    for (call, expected) in [
        (
            r#"printf "%55555555555555t" 1"#,
            "%!(NOVERB)%!(EXTRA int=1)",
        ),
        (
            r#"printf "a%.55555555555555f|" 1.5"#,
            "a%!(NOVERB)%!(EXTRA float64=1.5)",
        ),
        (r#"printf "%9999999d|" 1 | len"#, "10000000"),
        (r#"printf "%-1000001d|" 1 | len"#, "1000002"),
        (r#"printf "%.100000f" 1.5 | len"#, "100002"),
        (r#"printf "%.100000e" 1.5 | len"#, "100006"),
        (r#"printf "%.100000g" 1.5"#, "1.5"),
        (r#"printf "%.100000g" 1e300 | len"#, "301"),
        (
            r#"printf "%.1200f" 5e-324 | trunc -130 | trunc 6"#,
            "562500",
        ),
        (r#"printf "%.100000d" 1 | len"#, "100000"),
    ] {
        assert_eq!(shown(&format!("{{{{ {call} }}}}")), expected, "{call}");
    }
}
