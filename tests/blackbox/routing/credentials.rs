//! Several credentials of one provider.
