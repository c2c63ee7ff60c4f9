//! Allocates until it is stopped.

use plugway_test_guests::Misbehave;

/// Always hungry.
pub struct EatMemory;

impl Misbehave for EatMemory {
    fn misbehave() -> Vec<u8> {
        let mut eaten = Vec::new();
        loop {
            eaten.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
    }
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<EatMemory>);
