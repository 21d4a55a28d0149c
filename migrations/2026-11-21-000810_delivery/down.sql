DROP TABLE built_images;
DROP TABLE standings;
DROP TABLE deployment_applications;
DROP TABLE deployments;
DROP TABLE environments;
DROP TABLE applications;
DROP TABLE versions;
