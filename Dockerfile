# Serves a model of MLflow's registry: docker run -p 127.0.0.1:5001:5001 -v "$PWD:/project:ro" IMAGE
FROM python:3.11-slim

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --constraint constraints.txt .

ENV MODEL=models:/claims@champion \
    MLFLOW_TRACKING_URI=sqlite:////project/mlflow.db \
    MLFLOW_DISABLE_TELEMETRY=true
RUN useradd --create-home server
USER server
EXPOSE 5001
CMD mlflow models serve --model-uri "$MODEL" --env-manager local --timeout 300 --host 0.0.0.0 --port 5001
