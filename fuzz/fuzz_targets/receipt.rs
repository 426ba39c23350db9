#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cc_fuzz::receipts::receipt(data));
