"""Feedback alignment in PyTorch, as one writes it there: autograd, a function with its own backward pass, SGD."""

from __future__ import annotations

import itertools

import torch
from torch.nn.functional import cross_entropy, linear

from benchmarks.steps import Problem, batches


class FeedbackLinear(torch.autograd.Function):
    """A linear layer that hands the error down through ``B`` where autograd would take ``Wᵀ``."""

    @staticmethod
    def forward(ctx, h, W, c, B):
        ctx.save_for_backward(h, B)
        return linear(h, W, c)  # (batch, n_l)

    @staticmethod
    def backward(ctx, delta):
        h, B = ctx.saved_tensors
        down = delta @ B.T if ctx.needs_input_grad[0] else None  # (batch, n_{l-1}); the data need none
        return down, delta.T @ h, delta.sum(dim=0), None


class Model(torch.nn.Module):
    """The problem's network, with the same weights and feedback, in tensors of its own."""

    def __init__(self, p: Problem):
        super().__init__()
        self.weights = torch.nn.ParameterList([torch.tensor(W) for W in p.network.weights])
        self.biases = torch.nn.ParameterList([torch.tensor(c) for c in p.network.biases])
        nothing = torch.zeros(0)  # the first layer hands nothing down
        self.feedback = [nothing, *(torch.tensor(B) for B in p.feedback)]

    def forward(self, h):
        *hidden, last = zip(self.weights, self.biases, self.feedback, strict=True)
        for W, c, B in hidden:
            h = torch.tanh(FeedbackLinear.apply(h, W, c, B))
        return FeedbackLinear.apply(h, *last)


class Training:
    """Trains a model of the problem, on the batches on which ours is trained."""

    def __init__(self, p: Problem):
        self.problem, self.model = p, Model(p)
        self.x, self.labels = torch.tensor(p.x), torch.tensor(p.labels)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)  # our default, too

    def __call__(self, steps: int) -> None:
        """Do so many steps."""
        for index in itertools.islice(batches(self.problem), steps):
            batch = torch.from_numpy(index)
            loss = cross_entropy(self.model(self.x[batch]), self.labels[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
