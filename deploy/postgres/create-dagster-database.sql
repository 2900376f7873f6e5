-- Dagster's runs and schedules lie apart from the warehouse: each is backed up, and may be lost, by itself.
create database dagster;
