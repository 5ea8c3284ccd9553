"""Exports of a model: a small model file, an ONNX file, a web page, a Hugging Face repository."""
