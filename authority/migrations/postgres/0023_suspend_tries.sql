-- Wrong user PINs at the door that suspends without a card, and until when it is closed for the user. They lock nothing else.
ALTER TABLE users ADD COLUMN suspend_failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN suspend_closed_until BIGINT NOT NULL DEFAULT 0;
