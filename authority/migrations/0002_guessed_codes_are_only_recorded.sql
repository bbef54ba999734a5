-- A wrong acquisition code is an event and nothing more (decision 8).
ALTER TABLE certificates DROP COLUMN enrolment_code_failures;
