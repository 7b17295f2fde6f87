"""What a model is: windows in, estimates out; networks, bundles and the preprocessing shared by training and live."""
