//! Step 3: bytes that wait for the rest of their message.
