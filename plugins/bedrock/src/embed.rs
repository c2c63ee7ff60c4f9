//! Embeddings, in the words of each family of models.
