"""Bundles for use elsewhere: ONNX, torch.export, the Hugging Face Hub."""
