"""Report the epochs of a training to trackers: TensorBoard, Trackio, MLflow."""
