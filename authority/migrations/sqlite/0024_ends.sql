-- Each login forgets the handles, sessions and tickets that ended: by an index, not by reading all that are open.
CREATE INDEX logins_by_end ON logins (expires_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX code_tickets_by_end ON code_tickets (expires_at);
