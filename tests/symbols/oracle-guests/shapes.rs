// Modules, traits, generics, closures, methods.
use std::collections::BTreeMap;
use std::fmt;

mod shapes {
    pub trait Area {
        fn area(&self) -> f64;
        fn twice(&self) -> f64 {
            self.area() * 2.0
        }
    }
    pub struct Square<T>(pub T);
    impl<T: Copy + Into<f64>> Area for Square<T> {
        #[inline(never)]
        fn area(&self) -> f64 {
            let side: f64 = self.0.into();
            side * side
        }
    }
    impl<T> Square<T> {
        pub fn new(side: T) -> Self {
            Square(side)
        }
    }
}
use shapes::Area;

impl<T: fmt::Debug> fmt::Display for shapes::Square<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "[{:?}]", self.0)
    }
}

fn count(words: &[String]) -> BTreeMap<usize, usize> {
    let mut m = BTreeMap::new();
    words.iter().map(|w| w.len()).for_each(|n| *m.entry(n).or_insert(0) += 1);
    m
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let s = shapes::Square::new(words.len() as f32);
    println!("{} {} {:?}", s, s.twice(), count(&words));
}
