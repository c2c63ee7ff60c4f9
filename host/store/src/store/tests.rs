//! Opening: what is there, what is not, and what is something else.

use super::*;
use crate::testing::{shared, stores};

#[tokio::test]
async fn a_database_is_made_once_and_opened_again() {
    for place in shared().await {
        let settings =
            crate::Settings { dialect: "d".into(), config: "{}".into(), system_prompt: None };
        place.save_preset("a", &settings, 1).await.unwrap();
        place.close().await;
        let again = place.again().await;
        assert_eq!(again.presets(0, 9).await.unwrap().1, 1);
        again.close().await;
    }
}
