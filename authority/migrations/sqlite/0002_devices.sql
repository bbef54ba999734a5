-- What a device proved about the key when the certificate was issued (D-502): all of it, or none. Without it
-- device_serial is only what the administrator named.
ALTER TABLE certificates ADD COLUMN device_firmware TEXT;
ALTER TABLE certificates ADD COLUMN device_pin_policy TEXT;
ALTER TABLE certificates ADD COLUMN device_touch_policy TEXT;
-- The certificates that prove it, DER one after another, the key's own first.
ALTER TABLE certificates ADD COLUMN device_evidence BLOB;
