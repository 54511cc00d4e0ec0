"""The capture file: its model, reader, writer and versions. SPEC.md is the specification."""
