#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cc_fuzz::agents::hook_event(data));
