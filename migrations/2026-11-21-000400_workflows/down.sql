DROP TABLE task_logs;
DROP TABLE task_attempts;
DROP TABLE tasks;
DROP TABLE workflows;
