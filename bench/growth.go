package main

import "context"

func printGrowth(ctx context.Context, c *config, dir string) error { return nil }
