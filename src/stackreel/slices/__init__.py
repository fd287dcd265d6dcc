"""What the microscope left: stacks of sections in raw, TIFF, PNG or JPEG files, and a phantom that needs none."""
