#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| refit_tests::fuzzing::yaml(input));
