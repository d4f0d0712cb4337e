"""An environment on Linode: where its state lives, who works on it, what was done, and Terraform's part."""
