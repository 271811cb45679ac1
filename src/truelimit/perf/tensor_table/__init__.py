"""The tensors of a model's file, built from its metadata alone: names and shapes as llama.cpp asks for them."""
