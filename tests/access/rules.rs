//! What each field answers to whom.

/// How a field is called, and what it answers to each of [`super::world::ROLES`]: a code, or
/// `shown`, `empty`, `null` or `silence`.
pub struct Rule {
    pub field: &'static str,
    /// Behind the field's name; `$tenant` and its like stand for the owner's things.
    pub call: &'static str,
    pub answers: [&'static str; 6],
}

const fn rule(field: &'static str, call: &'static str, answers: [&'static str; 6]) -> Rule {
    Rule { field, call, answers }
}

const NOBODY: &str = "UNAUTHENTICATED";
const HIDDEN: &str = "NOT_FOUND";
const LACKS: &str = "FORBIDDEN";
const OVER: &str = "INVALID_TRANSITION";

/// A list of one's own things, narrowed to the owner's.
const NARROWED: [&str; 6] = [NOBODY, "empty", "shown", "shown", "shown", "shown"];
/// One of the owner's things.
const ONE: [&str; 6] = [NOBODY, "null", "shown", "shown", "shown", "shown"];
/// What everybody has something of.
const OWN: [&str; 6] = [NOBODY, "shown", "shown", "shown", "shown", "shown"];
const PUBLIC: [&str; 6] = ["shown"; 6];
const ADMINS: [&str; 6] = [NOBODY, LACKS, LACKS, LACKS, LACKS, "shown"];
/// A command on one of the owner's things, which its state does not allow.
const COMMAND: [&str; 6] = [NOBODY, HIDDEN, LACKS, OVER, OVER, OVER];
/// An input that is refused to all who have logged in, before it has an effect.
const REFUSED: [&str; 6] = [NOBODY, "INVALID", "INVALID", "INVALID", "INVALID", "INVALID"];
/// The name of something that the owner has.
const TAKEN: [&str; 6] =
    [NOBODY, HIDDEN, LACKS, "ALREADY_EXISTS", "ALREADY_EXISTS", "ALREADY_EXISTS"];
/// What the state of another thing stands in the way of.
const IN_USE: [&str; 6] = [NOBODY, HIDDEN, LACKS, "CONFLICT", "CONFLICT", "CONFLICT"];
/// A change of one of the owner's things.
const CHANGED: [&str; 6] = [NOBODY, HIDDEN, LACKS, "shown", "shown", "shown"];
/// Changes of the owner's tenant, or silence.
const FOLLOWED: [&str; 6] = [NOBODY, "silence", "shown", "shown", "shown", "shown"];

pub const QUERIES: &[Rule] = &[
    rule("viewer", "{ id }", OWN),
    rule("cursor", "", PUBLIC),
    rule("platform", "{ version }", PUBLIC),
    rule("products", "{ totalCount }", PUBLIC),
    rule("users", "{ totalCount }", ADMINS),
    rule("tenants", "{ totalCount }", OWN),
    rule("order", "(id: $order) { id }", ONE),
    rule("order", "(number: $orderNumber) { id }", ONE),
    rule("instance", "(id: $instance) { id }", ONE),
    rule("instance", "(number: $instanceNumber) { id }", ONE),
    rule("orders", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("orders", "(filter: { userId: $member }) { totalCount }", NARROWED),
    rule(
        "orders",
        "(filter: { productId: $product }) { totalCount }",
        [NOBODY, "empty", "shown", "shown", "shown", "shown"],
    ),
    rule("instances", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("instances", "(filter: { ownerId: $member }) { totalCount }", NARROWED),
    rule("clusters", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("clusters", "(filter: { ownerId: $member }) { totalCount }", NARROWED),
    rule("searchCluster", "(namespace: \"slipway-acme--books\") { id }", ONE),
    rule("portLeases", "{ port }", [NOBODY, "null", "shown", "shown", "shown", "shown"]),
    rule("versions", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("applications", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("environments", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("deployments", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("deployments", "(filter: { versionId: $version }) { totalCount }", NARROWED),
    rule("deployments", "(filter: { environmentId: $environment }) { totalCount }", NARROWED),
    rule("tasks", "(filter: { deploymentId: $deployment }) { totalCount }", NARROWED),
    rule("workflows", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("workflows", "(filter: { subjectId: $instance }) { totalCount }", NARROWED),
    rule("tasks", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("tasks", "(filter: { workflowId: $workflow }) { totalCount }", NARROWED),
    rule("events", "(filter: { tenantId: $tenant }) { totalCount }", NARROWED),
    rule("events", "(filter: { subjectId: $instance }) { totalCount }", NARROWED),
    rule("events", "(filter: { actorId: $member }) { totalCount }", NARROWED),
    rule("node", "(id: $order) { id }", ONE),
    rule("nodes", "(ids: [$order]) { id }", ONE),
];

/// By kind: its id is given to `node`.
pub const NODES: &[Rule] = &[
    rule("Product", "$product", PUBLIC),
    rule("Tenant", "$tenant", ONE),
    rule("Order", "$order", ONE),
    rule("Instance", "$instance", ONE),
    rule("SearchCluster", "$searchCluster", ONE),
    rule("DevCluster", "$cluster", ONE),
    rule("Version", "$version", ONE),
    rule("Application", "$application", ONE),
    rule("Environment", "$environment", ONE),
    rule("Deployment", "$deployment", ONE),
    rule("Workflow", "$workflow", ONE),
    rule("Task", "$task", ONE),
    rule("User", "$user", [NOBODY, "null", "null", "null", "shown", "shown"]),
    rule("ApiToken", "$token", [NOBODY, "null", "null", "null", "shown", "shown"]),
];

/// In this order; the last one ends the sessions.
pub const MUTATIONS: &[Rule] = &[
    rule(
        "register",
        "(input: { email: \"x\", password: \"x\", nickname: \"x\" }) { cursor }",
        ["INVALID"; 6],
    ),
    rule("login", "(input: { email: \"a@b\", password: \"x\" }) { cursor }", [LACKS; 6]),
    rule("refreshSession", "(refreshToken: \"nonsense\") { cursor }", [NOBODY; 6]),
    rule(
        "changePassword",
        "(input: { currentPassword: \"x\", newPassword: \"x\" }) { cursor }",
        REFUSED,
    ),
    rule("setUserStatus", "(userId: $user, status: ENABLED) { cursor }", ADMINS),
    rule("setUserRoles", "(userId: $user, roles: [USER]) { cursor }", ADMINS),
    rule("createTenant", "(input: { orgId: \"A\", name: \"A\" }) { cursor }", REFUSED),
    rule(
        "setTenantMember",
        "(tenantId: $tenant, email: \"no@body\", role: VIEWER) { cursor }",
        [NOBODY, HIDDEN, LACKS, LACKS, HIDDEN, HIDDEN],
    ),
    rule(
        "removeTenantMember",
        "(tenantId: $tenant, userId: $user) { cursor }",
        [NOBODY, HIDDEN, LACKS, LACKS, "CONFLICT", "CONFLICT"],
    ),
    rule("setTenantQuota", "(tenantId: $tenant, limits: []) { cursor }", ADMINS),
    rule("createApiToken", "(input: { name: \"A\", scopes: [] }) { cursor }", REFUSED),
    rule(
        "revokeApiToken",
        "(id: $token) { cursor }",
        [NOBODY, HIDDEN, HIDDEN, HIDDEN, "shown", "shown"],
    ),
    rule(
        "createProduct",
        "(input: { name: \"P\", spec: { cpuMillis: 1, memoryMib: 1, image: \"x\" }, price: 1 })
            { cursor }",
        ADMINS,
    ),
    rule("updateProduct", "(id: $product, input: {}) { cursor }", ADMINS),
    rule(
        "placeOrder",
        "(input: { productId: $product, instanceName: \"taken\", tenantId: $tenant }) { cursor }",
        [NOBODY, HIDDEN, LACKS, "ALREADY_EXISTS", "ALREADY_EXISTS", "ALREADY_EXISTS"],
    ),
    rule("payOrder", "(id: $order) { cursor }", COMMAND),
    rule("cancelOrder", "(id: $order) { cursor }", COMMAND),
    rule("startInstance", "(id: $instance) { cursor }", COMMAND),
    rule("stopInstance", "(id: $instance) { cursor }", COMMAND),
    rule("restartInstance", "(id: $instance) { cursor }", COMMAND),
    rule("updateInstance", "(id: $instance, input: { cpuMillis: 500 }) { cursor }", COMMAND),
    rule(
        "deleteInstance",
        "(id: $instance) { cursor }",
        [NOBODY, HIDDEN, LACKS, "shown", "shown", "shown"],
    ),
    rule(
        "createSearchCluster",
        "(input: { serviceName: \"books\", tenantId: $tenant }) { cursor }",
        [NOBODY, HIDDEN, LACKS, "ALREADY_EXISTS", "ALREADY_EXISTS", "ALREADY_EXISTS"],
    ),
    rule(
        "updateSearchCluster",
        "(id: $searchCluster, input: { replicas: 1 }) { cursor }",
        [NOBODY, HIDDEN, LACKS, "shown", "shown", "shown"],
    ),
    rule(
        "createDevCluster",
        "(input: { name: \"dev\", provider: K3D, tenantId: $tenant }) { cursor }",
        [NOBODY, HIDDEN, LACKS, "ALREADY_EXISTS", "ALREADY_EXISTS", "ALREADY_EXISTS"],
    ),
    rule("importDevClusters", "(csv: \"env\") { cursor }", ADMINS),
    rule("startCluster", "(id: $cluster) { cursor }", COMMAND),
    rule("stopCluster", "(id: $cluster) { cursor }", [NOBODY, HIDDEN, LACKS, "shown", OVER, OVER]),
    rule(
        "deleteCluster",
        "(id: $cluster) { cursor }",
        [NOBODY, HIDDEN, LACKS, "shown", "shown", "shown"],
    ),
    rule(
        "createVersion",
        "(input: { tenantId: $tenant, gitTag: \"v1\", gitCommit: \"abcdef0\",
            repository: \"https://git.example.com/a/b\" }) { cursor }",
        TAKEN,
    ),
    rule(
        "createApplication",
        "(input: { tenantId: $tenant, name: \"taken\", type: \"web\", config: {},
            repository: \"https://git.example.com/a/b\" }) { cursor }",
        TAKEN,
    ),
    rule(
        "createEnvironment",
        "(input: { tenantId: $tenant, name: \"taken\", type: KUBERNETES }) { cursor }",
        TAKEN,
    ),
    rule("deleteVersion", "(id: $version) { cursor }", IN_USE),
    rule("deleteApplication", "(id: $application) { cursor }", IN_USE),
    rule("deleteEnvironment", "(id: $environment) { cursor }", IN_USE),
    rule("updateApplication", "(id: $application, input: { type: \"api\" }) { cursor }", CHANGED),
    rule("updateEnvironment", "(id: $environment, input: { isActive: false }) { cursor }", CHANGED),
    rule(
        "createDeployment",
        "(input: { versionId: $version, applicationIds: [$application],
            environmentId: $environment }) { cursor }",
        IN_USE,
    ),
    rule("rollbackDeployment", "(id: $deployment, targetVersionId: $version) { cursor }", IN_USE),
    rule(
        "cancelDeployment",
        "(id: $deployment) { cursor }",
        [NOBODY, HIDDEN, LACKS, "shown", OVER, OVER],
    ),
    rule("cancelWorkflow", "(id: $workflow) { cursor }", COMMAND),
    rule("retryTask", "(id: $task) { cursor }", COMMAND),
    rule("retryFailedTasks", "(workflowId: $workflow) { cursor }", COMMAND),
    rule("logout", "{ cursor }", [NOBODY, "shown", "shown", "shown", "shown", "shown"]),
];

/// From before anything happened in the owner's tenant.
pub const SUBSCRIPTIONS: &[Rule] = &[
    rule("events", "(after: $start, filter: { tenantId: $tenant }) { type }", FOLLOWED),
    rule("events", "(after: $start, filter: { subjectId: $instance }) { type }", FOLLOWED),
    rule("events", "(after: $start, filter: { actorId: $member }) { type }", FOLLOWED),
    rule("orderChanged", "(after: $start, id: $order) { cursor }", FOLLOWED),
    rule("orderChanged", "(after: $start) { cursor }", FOLLOWED),
    rule("instanceChanged", "(after: $start, id: $instance) { cursor }", FOLLOWED),
    rule("instanceChanged", "(after: $start, tenantId: $tenant) { cursor }", FOLLOWED),
    rule("clusterChanged", "(after: $start, id: $cluster) { cursor }", FOLLOWED),
    rule("clusterChanged", "(after: $start, tenantId: $tenant) { cursor }", FOLLOWED),
    rule("podStateChanged", "(after: $start, instanceId: $instance) { cursor }", FOLLOWED),
    rule("podStateChanged", "(after: $start, clusterId: $searchCluster) { cursor }", FOLLOWED),
    rule("podStateChanged", "(after: $start) { cursor }", FOLLOWED),
    rule("podLog", "(uid: $pod) { text }", [NOBODY, HIDDEN, "shown", "shown", "shown", "shown"]),
    rule("deploymentChanged", "(after: $start, id: $deployment) { cursor }", FOLLOWED),
    rule("deploymentChanged", "(after: $start, environmentId: $environment) { cursor }", FOLLOWED),
    rule("deploymentChanged", "(after: $start) { cursor }", FOLLOWED),
    rule("taskChanged", "(after: $start, deploymentId: $deployment) { cursor }", FOLLOWED),
    rule("workflowChanged", "(after: $start, id: $workflow) { cursor }", FOLLOWED),
    rule("taskChanged", "(after: $start, workflowId: $workflow) { cursor }", FOLLOWED),
    rule("taskChanged", "(after: $start, taskId: $task) { cursor }", FOLLOWED),
    rule("taskChanged", "(after: $start) { cursor }", FOLLOWED),
    rule(
        "taskLog",
        "(taskId: $task) { text }",
        [NOBODY, HIDDEN, "shown", "shown", "shown", "shown"],
    ),
];
