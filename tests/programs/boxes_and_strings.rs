//! Rust: what is dropped is gone, what is forgotten or leaked on purpose stays, by name.
use std::mem::{self, ManuallyDrop};

/// std::hint::black_box, which the rustc of Debian 12 does not have yet.
#[inline(never)]
fn black_box<T>(value: T) -> T {
    let value = ManuallyDrop::new(value);
    unsafe { std::ptr::read_volatile(&*value) }
}

#[inline(never)]
fn dropped_boxes() {
    for i in 0..100u64 {
        let boxed = black_box(Box::new([i; 10]));
        assert!(boxed[9] == i);
    }
}

#[inline(never)]
fn growing_vector() {
    let mut vector: Vec<u32> = Vec::new();
    for i in 0..1000 {
        vector.push(black_box(i));
    }
    let mut text = String::new();
    for _ in 0..100 {
        text.push_str(black_box("ten bytes."));
    }
    assert!(vector.len() == 1000 && text.len() == 1000);
}

#[inline(never)]
fn forgotten_vector() {
    let vector: Vec<u8> = Vec::with_capacity(black_box(777));
    mem::forget(black_box(vector));
}

#[inline(never)]
fn leaked_box() -> &'static mut [u64; 16] {
    Box::leak(black_box(Box::new([7; 16])))
}

#[inline(never)]
fn leaked_string() -> &'static mut str {
    Box::leak(black_box(String::from("a string of thirty-one bytes...")).into_boxed_str())
}

fn main() {
    dropped_boxes();
    growing_vector();
    forgotten_vector();
    let kept = leaked_box();
    let text = leaked_string();
    assert!(kept[15] == 7 && text.len() == 31);
    println!("truth under dropped_boxes allocs=100 frees=100 live_blocks=0");
    println!("truth under growing_vector live_blocks=0 live_bytes=0");
    println!("truth under forgotten_vector allocs=1 live_blocks=1 live_bytes=777");
    println!("truth under leaked_box allocs=1 live_blocks=1 live_bytes=128");
    println!("truth under leaked_string allocs=1 live_blocks=1 live_bytes=31");
}
