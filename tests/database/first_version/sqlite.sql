-- What the migrations 0001 to 0004 of the first version made.

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);


CREATE TABLE subscribers (
    id INTEGER NOT NULL,
    reference VARCHAR(32) NOT NULL,
    address VARCHAR(320) NOT NULL,
    address_key VARCHAR(320) NOT NULL,
    mailbox_key VARCHAR(320) NOT NULL,
    state VARCHAR(16) NOT NULL,
    name TEXT NOT NULL,
    language VARCHAR(35),
    topics JSON NOT NULL,
    attributes JSON NOT NULL,
    asked_at VARCHAR(32),
    preferred_at VARCHAR(32),
    created_at VARCHAR(32) NOT NULL,
    changed_at VARCHAR(32) NOT NULL,
    CONSTRAINT pk_subscribers PRIMARY KEY (id),
    CONSTRAINT uq_subscribers_reference UNIQUE (reference),
    CONSTRAINT uq_subscribers_address_key UNIQUE (address_key)
);

CREATE INDEX ix_subscribers_mailbox_key ON subscribers (mailbox_key);

CREATE INDEX ix_subscribers_state ON subscribers (state);

CREATE TABLE consents (
    id INTEGER NOT NULL,
    subscriber_id INTEGER NOT NULL,
    at VARCHAR(32) NOT NULL,
    change VARCHAR(24) NOT NULL,
    how VARCHAR(24) NOT NULL,
    evidence JSON NOT NULL,
    CONSTRAINT pk_consents PRIMARY KEY (id),
    CONSTRAINT fk_consents_subscriber_id_subscribers FOREIGN KEY(subscriber_id) REFERENCES subscribers (id) ON DELETE CASCADE
);

CREATE INDEX ix_consents_subscriber_id ON consents (subscriber_id);

CREATE TABLE suppressions (
    mailbox_key VARCHAR(320) NOT NULL,
    reason VARCHAR(24) NOT NULL,
    detail TEXT NOT NULL,
    at VARCHAR(32) NOT NULL,
    CONSTRAINT pk_suppressions PRIMARY KEY (mailbox_key)
);

CREATE TABLE forgotten (
    digest VARCHAR(64) NOT NULL,
    at VARCHAR(32) NOT NULL,
    CONSTRAINT pk_forgotten PRIMARY KEY (digest)
);

CREATE TABLE salts (
    purpose VARCHAR(32) NOT NULL,
    value VARCHAR(64) NOT NULL,
    CONSTRAINT pk_salts PRIMARY KEY (purpose)
);

CREATE TRIGGER consents_append_only BEFORE UPDATE ON consents BEGIN SELECT RAISE(ABORT, 'consents are only appended'); END;

INSERT INTO alembic_version (version_num) VALUES ('0001_audience') RETURNING version_num;


CREATE TABLE mailings (
    id INTEGER NOT NULL,
    reference VARCHAR(16) NOT NULL,
    slug VARCHAR(255) NOT NULL,
    sequence INTEGER NOT NULL,
    digest VARCHAR(80) NOT NULL,
    "commit" VARCHAR(64),
    title TEXT NOT NULL,
    letter TEXT NOT NULL,
    operator VARCHAR(16) NOT NULL,
    audience INTEGER NOT NULL,
    frozen_at VARCHAR(32) NOT NULL,
    finished_at VARCHAR(32),
    note TEXT NOT NULL,
    CONSTRAINT pk_mailings PRIMARY KEY (id),
    CONSTRAINT uq_mailings_reference UNIQUE (reference),
    CONSTRAINT uq_mailings_slug_sequence UNIQUE (slug, sequence)
);

CREATE TABLE recipients (
    mailing_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    reference VARCHAR(32) NOT NULL,
    state VARCHAR(12) NOT NULL,
    attempts INTEGER NOT NULL,
    reason VARCHAR(80),
    message_id VARCHAR(120),
    sender_id INTEGER,
    released INTEGER NOT NULL,
    changed_at VARCHAR(32),
    delivered_at VARCHAR(32),
    bounced_at VARCHAR(32),
    bounce VARCHAR(80),
    complained_at VARCHAR(32),
    complaint VARCHAR(80),
    CONSTRAINT pk_recipients PRIMARY KEY (mailing_id, number),
    CONSTRAINT fk_recipients_mailing_id_mailings FOREIGN KEY(mailing_id) REFERENCES mailings (id)
)
 WITHOUT ROWID;

CREATE INDEX ix_recipients_reference ON recipients (reference);

CREATE INDEX ix_recipients_pending ON recipients (mailing_id, attempts, number) WHERE state = 'pending';

CREATE INDEX ix_recipients_claimed ON recipients (mailing_id, sender_id) WHERE state = 'claimed';

CREATE INDEX ix_recipients_uncertain ON recipients (mailing_id, number) WHERE state = 'uncertain';

CREATE INDEX ix_recipients_message_id ON recipients (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE second_copies (
    mailing_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    message_id VARCHAR(120) NOT NULL,
    at VARCHAR(32) NOT NULL,
    CONSTRAINT pk_second_copies PRIMARY KEY (mailing_id, number, message_id)
);

CREATE TABLE senders (
    id INTEGER NOT NULL,
    mailing_id INTEGER NOT NULL,
    host VARCHAR(255) NOT NULL,
    pid INTEGER NOT NULL,
    started_at VARCHAR(32) NOT NULL,
    beat FLOAT NOT NULL,
    ended INTEGER NOT NULL,
    CONSTRAINT pk_senders PRIMARY KEY (id)
);

CREATE INDEX ix_senders_mailing_id ON senders (mailing_id);

CREATE TABLE paces (
    name VARCHAR(120) NOT NULL,
    rate FLOAT NOT NULL,
    ceiling FLOAT NOT NULL,
    tokens FLOAT NOT NULL,
    at FLOAT NOT NULL,
    cut_at FLOAT NOT NULL,
    CONSTRAINT pk_paces PRIMARY KEY (name)
);

UPDATE alembic_version SET version_num='0002_delivery' WHERE alembic_version.version_num = '0001_audience';


CREATE TABLE feedback_events (
    id INTEGER NOT NULL,
    digest VARCHAR(64) NOT NULL,
    kind VARCHAR(24) NOT NULL,
    message_id VARCHAR(255) NOT NULL,
    mailing VARCHAR(64),
    recipient VARCHAR(64),
    domain VARCHAR(255) NOT NULL,
    type VARCHAR(64) NOT NULL,
    subtype VARCHAR(64) NOT NULL,
    detail TEXT NOT NULL,
    machine INTEGER NOT NULL,
    at VARCHAR(32),
    received_at VARCHAR(32) NOT NULL,
    settled INTEGER NOT NULL,
    CONSTRAINT pk_feedback_events PRIMARY KEY (id),
    CONSTRAINT uq_feedback_events_digest UNIQUE (digest)
);

CREATE INDEX ix_feedback_events_mailing ON feedback_events (mailing, kind);

CREATE INDEX ix_feedback_events_unsettled ON feedback_events (id) WHERE settled = 0;

CREATE TABLE sns_messages (
    id VARCHAR(100) NOT NULL,
    at VARCHAR(32) NOT NULL,
    CONSTRAINT pk_sns_messages PRIMARY KEY (id)
);

CREATE INDEX ix_sns_messages_at ON sns_messages (at);

UPDATE alembic_version SET version_num='0003_feedback' WHERE alembic_version.version_num = '0002_delivery';


CREATE TABLE publications (
    slug VARCHAR(255) NOT NULL,
    title TEXT NOT NULL,
    seen_at VARCHAR(32),
    seen_content VARCHAR(80),
    held_at VARCHAR(32),
    held_why TEXT NOT NULL,
    archived_at VARCHAR(32),
    archived_digest VARCHAR(80),
    mailed_content VARCHAR(80),
    settled_at VARCHAR(32),
    settled_how VARCHAR(16),
    corrected_at VARCHAR(32),
    corrected_content VARCHAR(80),
    withdrawn_at VARCHAR(32),
    CONSTRAINT pk_publications PRIMARY KEY (slug)
);

CREATE TABLE deployments (
    id INTEGER NOT NULL,
    "commit" VARCHAR(64),
    target TEXT NOT NULL,
    started_at VARCHAR(32) NOT NULL,
    finished_at VARCHAR(32),
    written INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    CONSTRAINT pk_deployments PRIMARY KEY (id)
);

CREATE TABLE leases (
    name VARCHAR(40) NOT NULL,
    fence INTEGER NOT NULL,
    holder VARCHAR(40),
    host VARCHAR(255) NOT NULL,
    pid INTEGER NOT NULL,
    beat FLOAT NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (name)
);

UPDATE alembic_version SET version_num='0004_publishing' WHERE alembic_version.version_num = '0003_feedback';

