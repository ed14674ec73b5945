-- `counterfoil audit erase-subject`: ops takes a subject's text away, and cannot read it.
GRANT SELECT (sub_hash), DELETE ON subject TO counterfoil_ops;
