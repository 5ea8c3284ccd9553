"""A model taken away: one ONNX file, one web page, or one repository of the Hugging Face hub."""
