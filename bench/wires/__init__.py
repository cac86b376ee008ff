"""What the generator says to each server: bytes prebuilt, frames found, nothing more. One file a protocol."""
