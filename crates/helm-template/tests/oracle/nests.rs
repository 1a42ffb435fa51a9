//! The template language's actions in random nests.

use super::cases::Random;

const CONDITIONS: &[&str] = &[
    ".Values.yes",
    ".Values.no",
    ".Values.missing",
    "(eq .Values.int 5.0)",
    ".Values.list",
    "not .Values.null",
    "and .Values.yes .Values.str",
    "or .Values.empty .Values.zero",
    "$v",
    "hasKey .Values \"map\"",
    "(.Values.missing).deep",
    ".Values.str.deep",
];
const ACTIONS: &[&str] = &[
    "{{ $v }}",
    "{{- $v -}}",
    "{{ $v = 7 }}",
    "{{ $w := $v }}{{ $w }}",
    "{{ . }}",
    "{{ $.Values.int }}",
    "{{/* note */}}",
    "{{- /* note */ -}}",
    "text",
    "\n  line\n",
    "{{ template \"own\" $v }}",
    "{{ template \"dot\" }}",
    "{{ include \"own\" $ | trim }}",
    "{{ break }}",
    "{{ continue }}",
    "{{ $_ := set $.Values.other \"n\" $v }}",
    "{{ $.Values.other.n }}",
    "{{ (index $.Values.map \"c\").d.e }}",
    "{{ $.Values.map.c.d.e | upper | quote }}",
    "{{ .x }}",
    "{{ .k }}",
    "{{ $v.deep }}",
    "{{ $.Values.mixed }}",
    "{{ printf \"%v\" $v }}",
    "{{ \"a\\u00e9\" }}",
    "{{ 'a' }}",
    "{{ nil }}",
    "{{ 1 2 }}",
    "{{ $undefined }}",
    "{{ end }}",
    "{{ .Values.int. }}",
    "{{ $.Template.Name }}",
    "{{ 3 | print 4 }}",
    "{{ (5) }}",
    "{{ true }}",
    "{{ $.Chart.Nope }}",
];

/// Templates of random nests of actions.
pub(crate) fn nests(random: &mut Random, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| {
            let mut out = "{{ $v := .Values.str }}".to_owned();
            block(random, &mut out, 0);
            out
        })
        .collect()
}

fn block(random: &mut Random, out: &mut String, depth: usize) {
    for _ in 0..=random.below(3) {
        let trim = if random.below(4) == 0 { "- " } else { " " };
        let kind = if depth > 3 { 9 } else { random.below(10) };
        match kind {
            0 | 1 => {
                out.push_str(&format!("{{{{{trim}if {} }}}}", random.pick(CONDITIONS)));
                block(random, out, depth + 1);
                match random.below(3) {
                    0 => out.push_str("{{ else }}"),
                    1 => out.push_str(&format!("{{{{ else if {} }}}}", random.pick(CONDITIONS))),
                    _ => {}
                }
                block(random, out, depth + 1);
                out.push_str("{{ end }}");
            }
            2 | 3 => {
                let over = [
                    "$x := .Values.list",
                    "$i, $x := $.Values.nums",
                    "$k, $x := $.Values.map",
                    "$.Values.mixed",
                    "$.Values.none",
                    "$.Values.missing",
                    "$i, $v = $.Values.list",
                    "$.Values.str",
                    "3",
                    "until 2",
                    "$x := (dict \"p\" 1)",
                    "$.Values.map.c",
                ];
                out.push_str(&format!("{{{{{trim}range {} }}}}", random.pick(&over)));
                block(random, out, depth + 1);
                if random.below(2) == 0 {
                    out.push_str("{{ else }}none");
                }
                out.push_str("{{ end }}");
            }
            4 => {
                let with = [
                    ".Values.map",
                    "$.Values.map.c",
                    "$v",
                    "$w := $.Values.int",
                    "$.Values.missing",
                    "$.Values.empty",
                ];
                out.push_str(&format!("{{{{{trim}with {} }}}}", random.pick(&with)));
                block(random, out, depth + 1);
                match random.below(3) {
                    0 => out.push_str("{{ else with $.Values.num }}{{ . }}"),
                    1 => out.push_str("{{ else }}without"),
                    _ => {}
                }
                out.push_str("{{ end }}");
            }
            _ => out.push_str(random.pick(ACTIONS)),
        }
    }
}
