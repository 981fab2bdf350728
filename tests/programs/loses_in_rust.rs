//! What Rust loses and holds: forgotten, leaked and counted in a ring; and in statics, trait objects and threads.
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::{self, ManuallyDrop};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;

/// std::hint::black_box, which the rustc of Debian 12 does not have yet.
#[inline(never)]
fn black_box<T>(value: T) -> T {
    let value = ManuallyDrop::new(value);
    unsafe { std::ptr::read_volatile(&*value) }
}

/// Takes what calls before left on the stack.
#[inline(never)]
fn wipe() {
    let mut stack = [0u64; 4096];
    for word in stack.iter_mut() {
        unsafe { std::ptr::write_volatile(word, 0) };
    }
}

struct Ring {
    next: RefCell<Option<Rc<Ring>>>,
    _rest: [u64; 4],
}

trait Shape {
    fn area(&self) -> u64;
}

struct Square(#[allow(dead_code)] [u64; 6]);

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0[0]
    }
}

static VECTOR: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static TABLE: Mutex<Option<HashMap<u64, Box<[u8; 50]>>>> = Mutex::new(None);
static SHAPES: Mutex<Vec<Box<dyn Shape + Send>>> = Mutex::new(Vec::new());
static mut MIDDLE: *const u8 = std::ptr::null();

thread_local! {
    static OF_THREAD: RefCell<Vec<u8>> = RefCell::new(Vec::new());
}

#[inline(never)]
fn lost_vector() {
    mem::forget(black_box(vec![1u8; 777]));
}

#[inline(never)]
fn lost_box() {
    black_box(Box::into_raw(black_box(Box::new([7u64; 16]))));
}

#[inline(never)]
fn lost_string() {
    let text: &'static mut str = Box::leak(black_box(String::from("a string of thirty-one bytes...")).into_boxed_str());
    assert!(black_box(text).len() == 31);
}

#[inline(never)]
fn lost_nested() {
    let rows: Vec<Vec<u8>> = (0..10).map(|_| vec![0u8; 100]).collect();
    mem::forget(black_box(rows));
}

#[inline(never)]
fn lost_ring() {
    let first = Rc::new(Ring { next: RefCell::new(None), _rest: [0; 4] });
    let second = Rc::new(Ring { next: RefCell::new(Some(first.clone())), _rest: [0; 4] });
    *first.next.borrow_mut() = Some(second);
}

#[inline(never)]
fn lost_count() {
    let shared = Arc::new([9u8; 64]);
    mem::forget(black_box(shared.clone()));
}

#[inline(never)]
fn lost_by_thread() {
    mem::forget(black_box(vec![1u8; 333]));
}

#[inline(never)]
fn held_in_static() {
    let mut kept = VECTOR.lock().unwrap();
    kept.push(vec![0u8; 41]);
    kept.push(vec![0u8; 42]);
}

/// A table's pointer is to the middle of its block, behind the entries: so Valgrind and we take it for possibly lost.
#[inline(never)]
fn possible_table() {
    let mut table = HashMap::new();
    for i in 0..20u64 {
        table.insert(i, Box::new([0u8; 50]));
    }
    *TABLE.lock().unwrap() = Some(table);
}

#[inline(never)]
fn held_as_trait_objects() {
    let mut shapes: Vec<Box<dyn Shape + Send>> = Vec::with_capacity(3);
    for _ in 0..3 {
        shapes.push(Box::new(Square([1; 6])));
    }
    *SHAPES.lock().unwrap() = shapes;
}

#[inline(never)]
fn freed_with_thread() {
    OF_THREAD.with(|bytes| bytes.borrow_mut().reserve_exact(99));
}

/// A slice of it is all that is left.
#[inline(never)]
fn possible_slice() {
    let bytes = Box::leak(vec![0u8; 200].into_boxed_slice());
    unsafe { MIDDLE = bytes[50..60].as_ptr() };
}

#[inline(never)]
fn dropped() {
    let map: HashMap<String, Vec<u8>> = (0..50).map(|i| (i.to_string(), vec![0; i])).collect();
    assert!(black_box(map).len() == 50);
}

fn main() {
    let ways: [(fn(), &str); 12] = [
        (lost_vector, "lost_vector definite=777/1"),
        (lost_box, "lost_box definite=128/1"),
        (lost_string, "lost_string definite=31/1"),
        (lost_nested, "lost_nested definite=240/1 indirect=1000/10"),
        (lost_ring, "lost_ring definite=64/1 indirect=64/1"),
        (lost_count, "lost_count definite=80/1"),
        (held_in_static, "held_in_static reachable=179/3"),
        (possible_table, "possible_table possible=1560/21"),
        (held_as_trait_objects, "held_as_trait_objects reachable=192/4"),
        (freed_with_thread, "freed_with_thread"),
        (possible_slice, "possible_slice possible=200/1"),
        (dropped, "dropped"),
    ];
    for (way, kinds) in ways {
        way();
        wipe();
        println!("loses {kinds}");
    }
    thread::spawn(lost_by_thread).join().unwrap();
    println!("loses lost_by_thread definite=333/1");
    assert!(VECTOR.lock().unwrap().len() == 2 && SHAPES.lock().unwrap()[0].area() == 1);
    assert!(TABLE.lock().unwrap().is_some() && unsafe { !MIDDLE.is_null() });
    wipe();
}
