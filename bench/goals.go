package main

import "context"

func printGoals(ctx context.Context, c *config) error { return nil }
