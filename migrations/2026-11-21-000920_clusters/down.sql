DROP TABLE imports;
DROP TABLE port_leases;
DROP TABLE clusters;
