"""Plans changes of tables: what would be executed, whom it would keep waiting, which rows would prevent it."""
