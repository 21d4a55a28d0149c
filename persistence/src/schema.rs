//! One `table!` per table, good for both databases. The order of the columns is that of the `Row`
//! structs.

diesel::table! {
    users (id) {
        id -> Text,
        number -> BigInt,
        email -> Text,
        password_hash -> Text,
        nickname -> Text,
        status -> Text,
        status_reason -> Nullable<Text>,
        roles -> Text,
        token_version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    tenants (id) {
        id -> Text,
        org_id -> Text,
        name -> Text,
        personal -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    tenant_members (tenant_id, user_id) {
        tenant_id -> Text,
        user_id -> Text,
        role -> Text,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        refresh_hash -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Text,
        user_id -> Text,
        name -> Text,
        scopes -> Text,
        hash -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    secrets (owner_id) {
        owner_id -> Text,
        tenant_id -> Text,
        fingerprint -> Text,
        sealed -> Text,
        updated_at -> BigInt,
    }
}

diesel::table! {
    quota_limits (tenant_id, dimension) {
        tenant_id -> Text,
        dimension -> Text,
        amount -> Nullable<BigInt>,
    }
}

diesel::table! {
    quota_claims (subject_id, dimension) {
        subject_id -> Text,
        dimension -> Text,
        tenant_id -> Text,
        amount -> BigInt,
        in_use -> Bool,
    }
}

diesel::table! {
    counters (name) {
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    products (id) {
        id -> Text,
        name -> Text,
        description -> Text,
        status -> Text,
        spec -> Text,
        price -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    orders (id) {
        id -> Text,
        number -> BigInt,
        user_id -> Text,
        tenant_id -> Text,
        product_id -> Text,
        instance_name -> Text,
        instance_id -> Nullable<Text>,
        status -> Text,
        amount -> BigInt,
        refund_due -> Bool,
        payment_reference -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        paid_at -> Nullable<BigInt>,
        cancelled_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    instances (id) {
        id -> Text,
        number -> BigInt,
        tenant_id -> Text,
        owner_id -> Text,
        order_id -> Nullable<Text>,
        name -> Text,
        status -> Text,
        spec -> Text,
        namespace -> Text,
        host -> Text,
        restart_token -> Nullable<Text>,
        failure -> Nullable<Text>,
        released_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    instance_logs (id) {
        id -> Text,
        instance_id -> Text,
        log_type -> Text,
        message -> Text,
        data -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    runtimes (instance_id) {
        instance_id -> Text,
        ready_replicas -> Integer,
        total_replicas -> Integer,
        message -> Nullable<Text>,
        error_reason -> Nullable<Text>,
        observed_at -> BigInt,
        ready_endpoints -> Nullable<Integer>,
    }
}

diesel::table! {
    pods (uid) {
        uid -> Text,
        owner_id -> Text,
        name -> Text,
        namespace -> Text,
        phase -> Text,
        ready -> Bool,
        restarts -> Integer,
        node -> Nullable<Text>,
        ip -> Nullable<Text>,
        reason -> Nullable<Text>,
        message -> Nullable<Text>,
        last_termination -> Nullable<Text>,
        started_at -> Nullable<BigInt>,
        last_exit_code -> Nullable<Integer>,
        evidence -> Text,
        revision -> Nullable<Integer>,
    }
}

diesel::table! {
    targets (name) {
        name -> Text,
        simulated -> Bool,
        connected -> Bool,
        observer -> Nullable<Text>,
        fence -> BigInt,
        leased_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    clusters (id) {
        id -> Text,
        tenant_id -> Text,
        owner_id -> Text,
        scope -> Text,
        name -> Text,
        namespace -> Nullable<Text>,
        status -> Text,
        body -> Text,
        failure -> Nullable<Text>,
        released_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    cluster_sightings (cluster_id) {
        cluster_id -> Text,
        ready_replicas -> Integer,
        total_replicas -> Integer,
        message -> Nullable<Text>,
        error_reason -> Nullable<Text>,
        observed_at -> BigInt,
    }
}

diesel::table! {
    port_leases (host, port) {
        host -> Text,
        port -> Integer,
        purpose -> Text,
        cluster_id -> Text,
        tenant_id -> Text,
        acquired_at -> BigInt,
    }
}

diesel::table! {
    imports (id) {
        id -> Text,
        tenant_id -> Text,
        hash -> Text,
        outcomes -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    workflows (id) {
        id -> Text,
        tenant_id -> Text,
        kind -> Text,
        subject_id -> Text,
        lane_number -> BigInt,
        status -> Text,
        cancel_reason -> Nullable<Text>,
        compensating -> Bool,
        created_at -> BigInt,
        started_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        lane_group -> Text,
        lanes -> Text,
    }
}

diesel::table! {
    tasks (id) {
        id -> Text,
        workflow_id -> Text,
        tenant_id -> Text,
        ordinal -> Integer,
        name -> Text,
        kind -> Text,
        payload_version -> Integer,
        phase -> Text,
        status -> Text,
        depends_on -> Text,
        payload -> Text,
        result -> Nullable<Text>,
        error -> Nullable<Text>,
        wait_reason -> Nullable<Text>,
        attempt -> Integer,
        time_limit_ms -> Nullable<BigInt>,
        deadline -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        started_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        fence -> BigInt,
        ready_at -> Nullable<BigInt>,
        leased -> Bool,
        wakes -> BigInt,
        memo -> Nullable<Text>,
    }
}

diesel::table! {
    task_attempts (task_id, number) {
        task_id -> Text,
        number -> Integer,
        status -> Text,
        result -> Nullable<Text>,
        error -> Nullable<Text>,
        started_at -> BigInt,
        completed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    task_logs (task_id, attempt, byte_offset) {
        task_id -> Text,
        attempt -> Integer,
        byte_offset -> BigInt,
        byte_length -> BigInt,
        body -> Text,
    }
}

diesel::table! {
    events (position) {
        position -> BigInt,
        event_type -> Text,
        subject_id -> Text,
        parent_id -> Nullable<Text>,
        tenant_id -> Nullable<Text>,
        actor_id -> Nullable<Text>,
        cause -> Nullable<Text>,
        request_id -> Nullable<Text>,
        previous -> Nullable<Text>,
        at -> BigInt,
        data -> Text,
    }
}

diesel::table! {
    idempotency_keys (scope, idempotency_key) {
        scope -> Text,
        idempotency_key -> Text,
        fingerprint -> Text,
        entity -> Nullable<Text>,
        workflow -> Nullable<Text>,
        cursor -> Nullable<BigInt>,
        taken_at -> BigInt,
    }
}

diesel::table! {
    versions (id) {
        id -> Text,
        tenant_id -> Text,
        git_tag -> Text,
        git_commit -> Text,
        repository -> Text,
        description -> Text,
        created_by -> Text,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    applications (id) {
        id -> Text,
        tenant_id -> Text,
        name -> Text,
        repository -> Text,
        kind -> Text,
        config -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    environments (id) {
        id -> Text,
        tenant_id -> Text,
        name -> Text,
        kind -> Text,
        is_active -> Bool,
        cluster -> Nullable<Text>,
        namespace -> Nullable<Text>,
        server -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    deployments (id) {
        id -> Text,
        tenant_id -> Text,
        version_id -> Text,
        environment_id -> Text,
        strategy -> Text,
        status -> Text,
        failure -> Nullable<Text>,
        error_message -> Text,
        rollback_of -> Nullable<Text>,
        workflow_id -> Text,
        created_by -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        started_at -> Nullable<BigInt>,
        completed_at -> Nullable<BigInt>,
        courses -> Text,
        terms -> Text,
        revision -> BigInt,
    }
}

diesel::table! {
    deployment_applications (deployment_id, application_id) {
        deployment_id -> Text,
        application_id -> Text,
    }
}

diesel::table! {
    standings (application_id, environment_id) {
        application_id -> Text,
        environment_id -> Text,
        tenant_id -> Text,
        server -> Text,
        namespace -> Text,
        name -> Text,
        deployment_id -> Text,
        release -> Nullable<Text>,
    }
}

diesel::table! {
    built_images (application_id, version_id) {
        application_id -> Text,
        version_id -> Text,
        recipe -> Text,
        image -> Text,
    }
}

diesel::joinable!(tasks -> workflows (workflow_id));
diesel::joinable!(tenant_members -> tenants (tenant_id));
diesel::allow_tables_to_appear_in_same_query!(tasks, workflows);
diesel::joinable!(tenant_members -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(tenant_members, tenants, users);
diesel::joinable!(deployment_applications -> deployments (deployment_id));
diesel::joinable!(deployments -> versions (version_id));
diesel::allow_tables_to_appear_in_same_query!(deployment_applications, deployments, versions);
