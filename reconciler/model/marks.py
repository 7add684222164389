"""The keys under which we write metadata: by them we know what is ours, and what it came from."""

# All of them begin so: metadata without it are other people's.
PREFIX = "reconciler."

# In a TaskConfig: whose it is (the name of the platform), and which release. Nothing may stand
# there that the spec does not say: what varied from commit to commit would restart tasks with each.
OWNER = "reconciler.owner"
PACKAGE = "reconciler.package"
VERSION = "reconciler.version"

# In a JobUpdateRequest. They belong to the update, not to its tasks, so they vary freely and
# restart nothing: the platform's name, what makes one start known again, the revision, and the
# digest of the spec.
INSTALLATION = "reconciler.installation"
TOKEN = "reconciler.token"
REVISION = "reconciler.revision"
SPEC = "reconciler.spec"
