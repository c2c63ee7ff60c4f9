//! Prints far more than anyone wants to read.

use plugway_test_guests::Misbehave;

/// Never quiet.
pub struct PrintlnStorm;

#[expect(clippy::print_stdout, reason = "printing is its misbehaviour")]
impl Misbehave for PrintlnStorm {
    fn misbehave() -> Vec<u8> {
        for line in 0..10_000 {
            println!("line {line} of the storm");
        }
        b"{}".to_vec()
    }
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<PrintlnStorm>);
