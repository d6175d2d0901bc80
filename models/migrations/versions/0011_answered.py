"""What a case answered about its waiting step, for the queue to show until the projection follows."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table proposal add column answered text, add column answered_revision integer")
    op.execute(
        "alter table proposal add constraint ck_proposal_answered check (answered in ('PENDING', 'HELD', 'GONE'))"
    )
    op.execute(
        "create index ix_proposal_open on proposal (tenant_id, instance_id)"
        " where status in ('PENDING', 'HELD', 'APPROVED')"
    )


def downgrade() -> None:
    op.execute("drop index ix_proposal_open")
    op.execute("alter table proposal drop column answered, drop column answered_revision")
