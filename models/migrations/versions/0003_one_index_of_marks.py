"""One index of marks instead of two: its key finds a student's register and tells whether a row is there already."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table mark drop constraint pk_mark")
    op.execute("drop index ix_mark_student")
    op.execute("alter table mark add constraint pk_mark primary key (tenant_id, student_id, date, row_key)")


def downgrade() -> None:
    op.execute("alter table mark drop constraint pk_mark")
    op.execute("alter table mark add constraint pk_mark primary key (tenant_id, row_key, date)")
    op.execute("create index ix_mark_student on mark (tenant_id, student_id, school_id, date)")
